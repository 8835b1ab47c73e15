import Foundation
import Keys
import Machines

extension BootVolumeImage {
    /// Signs all of it with an owner's keys: the manifest, which names the images, with the manifest key; the hypervisor, which gets
    /// that key, with Secure Boot's, where the set has them.
    /// - Parameter folder: where the hypervisor of this owner is kept.
    public mutating func sign(with keys: KeyFolder, _ passphrase: Passphrase, in folder: URL) throws {
        let key = try keys.publicKey()
        manifest = try keys.sign([manifest], for: "manifest", passphrase)[0]
        let program = try OwnerSection.add(key, to: Data(contentsOf: hypervisor.resolvingSymlinksInPath()))
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let target = folder.appending(path: "BULKHEAD-\(KeyFolder.fingerprint(key)).EFI")
        let unsigned = target.appendingPathExtension("unsigned")
        try program.write(to: unsigned)
        defer { try? FileManager.default.removeItem(at: unsigned) }
        let secureBoot = SecureBootKeys(keys)
        if FileManager.default.fileExists(atPath: secureBoot.folder.path) {
            try secureBoot.sign(unsigned, to: target, passphrase)
        } else {
            try program.write(to: target)
        }
        let symbols = hypervisor.appendingPathExtension("symbols"), copy = target.appendingPathExtension("symbols")
        try? FileManager.default.removeItem(at: copy)
        if FileManager.default.fileExists(atPath: symbols.path) {
            try FileManager.default.copyItem(at: symbols, to: copy)
        }
        hypervisor = target
    }
}
