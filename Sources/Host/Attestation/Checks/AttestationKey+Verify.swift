import Foundation
import Machines

extension AttestationKey {
    /// Whether the key's owner has signed these bytes. OpenSSL decides.
    /// - Throws: `MachineError` where it cannot: there is no openssl, or the key is no point on its curve.
    func hasSigned(_ message: [UInt8], _ signature: QuoteSignature) throws -> Bool {
        guard signature.hash == curve.hash else { return false }
        return try PrivateFolder.with { folder in
            let files = ["key.pem", "message", "signature"].map { folder.appending(path: $0) }
            for (file, content) in zip(files, [Array(pem.utf8), message, signature.der]) {
                try Data(content).write(to: file)
            }
            let arguments = ["dgst", "-\(hash)", "-verify", files[0].path, "-signature", files[2].path, files[1].path]
            do {
                return try Tool.run("openssl", arguments).contains("Verified OK")
            } catch MachineError.program(_, let status, let output) {
                if output.contains("Verification failure") || output.contains("Error verifying data") { return false }
                let why = output.split(whereSeparator: \.isNewline).first ?? "status \(status)"
                throw MachineError.impossible(
                    status == 127
                        ? "there is no openssl, which checks the signature: install the package openssl"
                        : "openssl cannot use the enrolled key: \(why)")
            }
        }
    }

    private var hash: String { curve.hash.name }
}
