import Foundation
import Keys
import Machines
import Manifest
import ManifestFile
import ManifestRules
import Trust

/// One object of a boot volume, and whether it is what its owner wants.
public struct VerifiedObject: Codable, Sendable {
    public var name: String
    public var isGood: Bool
    /// False where nothing tells whether it is: then it is not good either.
    public var isChecked = true
    public var words: String
}

/// Holds a boot volume against an owner's keys, object by object, as the hypervisor will; Secure Boot's signature more strictly than
/// firmware, which takes any of several. What is changed is named.
public struct BootVolumeCheck {
    /// Where a volume has the hypervisor.
    public static let program = "EFI/BOOT/BOOTX64.EFI"
    public private(set) var objects: [VerifiedObject] = []
    public var isGood: Bool { objects.allSatisfy(\.isGood) }

    /// - Parameter program: the BULKHEAD.EFI that it should be, without a key: for an owner without keys of Secure Boot, whose
    ///   signature would say so.
    public init(_ reader: VolumeReader, _ keys: KeyFolder, program: URL?) throws {
        let revoked = try keys.revokedKeys()
        let key = try keys.publicKey(), fingerprint = KeyFolder.fingerprint(key)
        try check(reader, Self.program, atMost: OwnerSection.most) { try Self.checkProgram($0, key, keys, program) }
        var manifest: Manifest?
        try check(reader, "BULKHEAD/manifest.cbor", atMost: BootFileLimit.manifest) { data in
            if revoked.contains(fingerprint) { return (false, "the key \(fingerprint) is revoked") }
            guard let message = Manifest.payload(ofSigned: [UInt8](data)) else { return (false, "it is not signed") }
            guard COSESign1.isSigned([UInt8](data), by: key, for: "manifest") else {
                return (false, "it is not signed by the key \(fingerprint), or was changed since")
            }
            var decoded = Manifest()
            do throws(ManifestError) { try decoded.decode(message.span) } catch {
                return (false, ManifestRefusal(error).sentence(decoded))
            }
            manifest = decoded
            return (true, "signed by the key \(fingerprint)")
        }
        guard let manifest else { return }
        for spec in manifest.partitionList {
            var images = [(spec.image.string, spec.digests?.kernel), (spec.initrd.string, spec.digests?.initrd)]
            if spec.watch.response != .off { images.append((spec.image.string + ".sites", spec.digests?.sites)) }
            for (path, digest) in images where !path.isEmpty {
                try check(reader, "BULKHEAD/" + path, atMost: BootFileLimit.image) { data in
                    guard let digest else { return (false, "the manifest does not say what it is") }
                    guard Digest384(of: data) == digest else {
                        return (false, "it is not what the manifest names for partition \(spec.name.string)")
                    }
                    return (true, "SHA-384 as the manifest has it for partition \(spec.name.string)")
                }
            }
        }
    }

    /// Whether an object is good, nil where nothing tells; and why.
    private typealias Answer = (isGood: Bool?, words: String)

    private static func checkProgram(
        _ data: Data, _ key: [UInt8], _ keys: KeyFolder, _ program: URL?
    ) throws -> Answer {
        guard let carried = OwnerSection.key(in: data) else {
            return (false, "it carries no owner's key: it would start any manifest")
        }
        guard carried == key else { return (false, "it carries another owner's key") }
        let secureBoot = SecureBootKeys(keys)
        guard try secureBoot.areThere() else {
            guard let program, let plain = try? Data(contentsOf: program.resolvingSymlinksInPath()) else {
                return (
                    nil,
                    "it carries the owner's key, but nobody signed it for Secure Boot, and there is no BULKHEAD.EFI here to "
                        + "compare it with (--program)"
                )
            }
            guard try OwnerSection.add(key, to: plain) == data else {
                return (false, "it carries the owner's key, but is not \(program.path): changed, or of another version")
            }
            return (true, "it is \(program.path) with the owner's key; nobody signed it for Secure Boot")
        }
        guard try PrivateFolder.with({ try secureBoot.isSigned(data, in: $0) }) else {
            return (false, "Secure Boot's signature is not by the owner's db key, and by no other")
        }
        return (true, "it carries the owner's key, and is signed for Secure Boot")
    }

    private mutating func check(
        _ reader: VolumeReader, _ path: String, atMost limit: Int, _ body: (Data) throws -> Answer
    ) throws {
        var answer: Answer = (false, "it is not there")
        do { if let data = try reader.read(path, atMost: limit) { answer = try body(data) } } catch {
            // A link out of the volume, a damaged file, more than the machine reads, no osslsigncode here: the others are verified all
            // the same.
            switch error {
            case MachineError.impossible(let reason), KeyError.system(let reason): answer = (nil, reason)
            case MachineError.program(let name, let status, let output):
                let why = output.split(whereSeparator: \.isNewline).first.map { ": \($0)" } ?? ""
                answer = (nil, "\(name) failed with status \(status)\(why)")
            default: throw error
            }
        }
        let isChecked = answer.isGood != nil, words = (isChecked ? "" : "not checked: ") + answer.words
        objects.append(
            VerifiedObject(name: path, isGood: answer.isGood ?? false, isChecked: isChecked, words: words))
    }
}
