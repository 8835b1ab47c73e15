import ControlClient
import Foundation

/// A TPM 2.0 in software (swtpm), for one emulated machine. It outlives a machine that loses its power, so that it can be asked
/// what was measured.
public final class SoftwareTPM: Sendable {
    private let folder: URL
    private let child: Child
    /// The socket by which an emulator, or who comes after it, is connected.
    public var control: URL { folder.appending(path: "control") }

    /// Starts one that nobody has used yet.
    /// - Parameters:
    ///   - banks: the digests of its active banks of PCRs, as swtpm_setup names them; nil: all that it has.
    ///   - isStarted: it takes commands without a machine whose firmware starts it (TPM2_Startup).
    public init(banks: String? = nil, isStarted: Bool = false) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "bulkhead-tpm-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        do {
            if let banks {
                try Tool.run("swtpm_setup", ["--tpm2", "--tpmstate", folder.path, "--pcr-banks", banks])
            }
            child = try Child(
                "swtpm",
                [
                    "socket", "--tpm2", "--tpmstate", "dir=\(folder.path)", "--ctrl",
                    "type=unixio,path=\(folder.path)/control",
                ] + (isStarted ? ["--flags", "not-need-init,startup-clear"] : []),
                errors: folder.appending(path: "errors")
            ) { _ in }
        } catch {
            try? FileManager.default.removeItem(at: folder)
            throw error
        }
        Machine.adopt(child, folder)
        for _ in 0..<600 {
            // The file is there a moment before anybody is listened to.
            if let connection = try? UnixSocket.connect(control.path) {
                close(connection)
                return
            }
            guard child.wait(seconds: 0.1) == nil else { break }
        }
        let words = (try? String(contentsOf: folder.appending(path: "errors"), encoding: .utf8)) ?? ""
        stop()
        throw MachineError.program("swtpm", status: child.status ?? 0, output: words)
    }

    public func stop() { Machine.abandon(child, folder) }
}
