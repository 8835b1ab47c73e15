/// Why a TPM did not do what was asked of it: what happened, where, and what to do about it. No secret is in it.
public enum TPMError: Error, Equatable, CustomStringConvertible {
    /// The path cannot be opened or connected to; `reason` is the system's word for it.
    case unreachable(path: String, reason: String)
    /// The path is neither a character device nor `swtpm:` and a socket.
    case notATPM(path: String)
    /// swtpm is there, and takes no connection.
    case connected(path: String)
    /// Reading or writing failed in the system, or the other end hung up.
    case failed(path: String, TPMCommandCode, reason: String)
    case noAnswer(path: String, TPMCommandCode, seconds: Int)
    /// The response is shorter than it says, or holds what cannot be there.
    case malformed(TPMCommandCode, what: String)
    /// The TPM answered with a response code other than success.
    case refused(TPMCommandCode, TPMResponseCode)
    /// A command that cannot be built: a part is longer than its length can say, or the whole than a TPM takes.
    case tooLong(TPMCommandCode, bytes: Int)

    public var description: String {
        switch self {
        case .unreachable(let path, let reason) where path.hasPrefix("swtpm:"):
            "cannot connect to \(path): \(reason). Name the control socket of an swtpm that runs (its option `--ctrl "
                + "type=unixio,path=PATH`)"
        case .unreachable(let path, let reason):
            "cannot open the TPM at \(path): \(reason). Run this as root, or as a member of the group that the device belongs to "
                + "(tss); where there is no such device, turn the TPM on in the firmware's set-up"
        case .notATPM(let path):
            "\(path) is no TPM's device. Name one such as /dev/tpmrm0, or swtpm:PATH with the control socket of a swtpm"
        case .connected(let path):
            "\(path) takes no connection: another program or machine is connected. Stop that one first"
        case .failed(let path, let command, let reason):
            "the TPM at \(path) gave no whole answer to \(command.name): \(reason). Another program may use it; try again"
        case .noAnswer(let path, let command, let seconds):
            "the TPM at \(path) did not answer \(command.name) within \(seconds) s. Restart the machine, and try again"
        case .malformed(let command, let what):
            "the TPM's answer to \(command.name) is none: \(what). It may be of another version than 2.0"
        case .refused(let command, let code):
            "the TPM refused \(command.name): \(code). \(code.advice(for: command))"
        case .tooLong(let command, let bytes):
            "\(command.name) cannot be built: \(bytes) bytes are more than a TPM takes"
        }
    }
}
