import Foundation
import Keys

/// Who owns machines: the keys that sign what they start, and the secret that each machine's TPM keeps for one partition of it.
public struct MachineOwner: Sendable {
    public let secret: [UInt8]
    let keys: KeyFolder
    let passphrase = Passphrase(UUID().uuidString)

    /// Makes keys, which sign 32 times. Nobody knows their passphrase: later they sign nothing.
    /// - Parameters:
    ///   - secret: 16 to 64 bytes; nil: 32 by chance.
    ///   - folder: where the keys are. Nobody else is to read it.
    /// - Throws: `KeyError`.
    public init(secret: [UInt8]? = nil, in folder: URL) throws(KeyError) {
        self.secret = secret ?? (0..<32).map { _ in .random(in: 0...255) }
        keys = KeyFolder(folder.appending(path: "owner").path)
        // Whoever could read the file has the folder, and the machines in it.
        try keys.create(height: 5, passphrase, Scrypt(cost: 2))
    }
}
