import Foundation
import Keys
import Machines
import Trust

extension BootVolumeImage {
    /// Signs all of it with an owner's keys: the manifest, which names the images, with the manifest key; the hypervisor, which gets
    /// that key, with Secure Boot's, where the set has them.
    /// - Parameter folder: where the hypervisor of this owner is kept.
    public mutating func sign(with keys: KeyFolder, _ passphrase: Passphrase, in folder: URL) throws {
        let key = try keys.publicKey()
        manifest = try keys.sign([manifest], for: "manifest", passphrase)[0]
        // The program must not carry another key than the one that has signed.
        guard COSESign1.isSigned(manifest, by: key, for: "manifest") else {
            throw KeyError.busy(folder: keys.folder.path)
        }
        var program = try OwnerSection.add(key, to: Data(contentsOf: hypervisor.resolvingSymlinksInPath()))
        let secureBoot = SecureBootKeys(keys)
        if try secureBoot.areThere() {
            program = try PrivateFolder.inMemory { try secureBoot.sign(program, passphrase, in: $0) }
        }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let target = folder.appending(path: "BULKHEAD-\(KeyFolder.fingerprint(key)).EFI")
        // Another run of the same owner's may write it too: whole files take each other's place.
        try SafeFile.replace(target) { try program.write(to: $0) }
        let symbols = hypervisor.appendingPathExtension("symbols"), copy = target.appendingPathExtension("symbols")
        if FileManager.default.fileExists(atPath: symbols.path) {
            try SafeFile.replace(copy) { try FileManager.default.copyItem(at: symbols, to: $0) }
        } else {
            try? FileManager.default.removeItem(at: copy)
        }
        hypervisor = target
    }
}
