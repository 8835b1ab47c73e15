import Foundation
import ManifestRules

/// Why an emulated machine could not do what was asked of it. The description is one plain sentence.
public enum MachineError: Error, CustomStringConvertible, Sendable {
    /// A file that the machine needs is absent; the second value says where it comes from.
    case missing(file: String, hint: String)
    /// A program of the host failed; its output is included.
    case program(String, status: Int32, output: String)
    /// The firmware did not start the hypervisor within the time; the last lines of the log are included.
    case neverStarted(seconds: Double, log: String)
    /// The hypervisor refused the manifest; the line names the cause.
    case refused(line: String)
    /// What no machine of this kind can do.
    case impossible(String)
    /// What was counted cannot be right; the reason.
    case miscounted(String)
    /// The emulator ended on its own.
    case ended(status: Int32, output: String)
    /// What was awaited did not come within the time.
    case timeout(awaited: String, seconds: Double, log: String)
    /// A guest, or the host beneath it, says that it cannot do what it was asked for.
    case declined(String)

    /// A file of a volume that has more than `limit` bytes.
    public static func tooLong(_ file: String, _ limit: Int) -> Self {
        .impossible("\(file) is longer than the \(limit) bytes that it can have: something else has written it")
    }

    public var description: String {
        switch self {
        case .missing(let file, let hint): "\(file) does not exist; \(hint)"
        case .program(let name, let status, let output): "\(name) failed with status \(status): \(output)"
        case .neverStarted(let seconds, let log):
            "the firmware did not start the hypervisor within \(seconds) s; the console's last lines:\n\(log)"
        case .impossible(let why): why
        case .miscounted(let why): why
        case .refused(let line):
            "the hypervisor refused the manifest: \(line)"
                + (RefusalExplanation(line).map { "\n" + $0.reason.advice } ?? "")
        case .ended(let status, let output): "the emulator ended with status \(status): \(output)"
        case .declined(let words): "the guest cannot do that; it said: \(words)"
        case .timeout(let awaited, let seconds, let log):
            "no \(awaited) within \(seconds) s; the console's last lines:\n\(log)"
        }
    }
}
