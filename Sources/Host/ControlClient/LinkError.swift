import Control

/// Why a manager got no answer, or not the one it wanted: what happened, where, and what to do about it.
public enum LinkError: Error, Equatable, CustomStringConvertible {
    /// The path cannot be opened or connected to; `reason` is the system's word for it.
    case unreachable(path: String, reason: String)
    /// The path is neither a UNIX socket nor a terminal device.
    case notALink(path: String)
    /// A UNIX socket's path may have 107 bytes.
    case pathTooLong(path: String)
    /// Another process already serves this socket.
    case alreadyServed(path: String)
    /// The other end hung up.
    case closed(path: String)
    /// Reading or writing failed in the system.
    case streamFailed(path: String, reason: String)
    case noAnswer(path: String, seconds: Double)
    /// As much waits for the machine already as may wait.
    case busy(path: String)
    /// The machine answered, but not in this version's words.
    case unreadable(path: String, operation: ControlOperation)
    /// The machine, or the broker before it, refused.
    case refused(ControlStatus, ControlOperation, partition: String?)
    /// A request that cannot be written: a partition's name that is none, say.
    case unwritable(String)

    public var description: String {
        switch self {
        case .unreachable(let path, let reason):
            "cannot reach a machine at \(path): \(reason). Is it running? `bulkhead demo` starts one."
        case .notALink(let path):
            "\(path) is neither a UNIX socket nor a serial line. Give the link.sock of a machine or a device such as "
                + "/dev/ttyS0."
        case .pathTooLong(let path):
            "\(path) is too long for a UNIX socket (107 bytes at most). Use a shorter directory or a relative path."
        case .alreadyServed(let path):
            "\(path) is served by another process already. Stop that one first, or use another name."
        case .closed(let path): "the machine at \(path) hung up: it stopped, or the process that runs it ended."
        case .streamFailed(let path, let reason): "the line to \(path) failed: \(reason)."
        case .noAnswer(let path, let seconds):
            "the machine at \(path) did not answer within \(Self.format(seconds)) s. It may still be booting, or its "
                + "manifest grants no management link."
        case .busy(let path): "too many requests wait for the machine at \(path) already. Try again."
        case .unreadable(let path, let operation):
            "the answer of \(path) to \"\(operation.name)\" cannot be read: it is of another version. Use the tool that "
                + "came with the hypervisor."
        case .refused(let status, let operation, let partition): Self.refusal(status, operation, partition)
        case .unwritable(let what): "\(what)."
        }
    }

    /// Whether the machine answered, and said no.
    public var isRefusal: Bool {
        switch self {
        case .refused(.noAnswer, _, _), .refused(.linkDown, _, _): false
        case .refused, .unwritable: true
        default: false
        }
    }

    /// The machine did not answer; it may answer again on the same line.
    public var isSilence: Bool {
        switch self {
        case .noAnswer, .refused(.noAnswer, _, _): true
        default: false
        }
    }

    private static func format(_ seconds: Double) -> String {
        seconds == seconds.rounded() ? "\(Int(seconds))" : "\((seconds * 10).rounded() / 10)"
    }

    private static func refusal(_ status: ControlStatus, _ operation: ControlOperation, _ partition: String?) -> String
    {
        let target = partition.map { " of partition \"\($0)\"" } ?? ""
        return switch status {
        case .ok: "\(operation.name)\(target) succeeded."
        case .unknownPartition:
            "the machine has no partition \"\(partition ?? "")\". `bulkhead ps` lists those that it has."
        case .notPermitted:
            "the manifest does not permit \"\(operation.name)\"\(target). Only its owner can, under `permit`."
        case .wrongState:
            "\(operation.name)\(target): not in its present state. `bulkhead ps` shows the states."
        case .busy: "\(operation.name)\(target): still busy with an earlier request. Try again."
        case .failed: "\(operation.name)\(target): the hypervisor could not. Its console (COM1) says why."
        case .linkDown: "\(operation.name)\(target): the machine has stopped."
        case .noAnswer:
            "\(operation.name)\(target): the machine did not answer. It may still be booting, or its manifest grants no "
                + "management link."
        case .unsupportedVersion:
            "the machine speaks another version of the protocol. Use the tool that came with the hypervisor."
        case .malformed, .oversized, .unknownOperation:
            "the machine refused \"\(operation.name)\"\(target) as \(status.name). Use the tool that came with the "
                + "hypervisor."
        }
    }
}
