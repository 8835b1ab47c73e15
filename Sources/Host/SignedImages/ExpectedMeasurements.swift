import Foundation
import Keys
import Machines
import Manifest
import ManifestFile
import Trust

/// What a machine's TPM holds in PCRs 11 and 12 when it has booted a volume: computed from the files alone, in the order in which the
/// hypervisor measures them.
public struct ExpectedMeasurements: Codable, Equatable, Sendable {
    public struct Event: Codable, Equatable, Sendable {
        public var pcr: Int
        /// `owner-key`, `no-owner-key`, `version`, `manifest`, `kernel` or `initrd`.
        public var object: String
        /// As the event in the log names it.
        public var name: String
        /// Digests of the object, hexadecimal.
        public var sha256, sha384: String
    }

    public private(set) var events: [Event] = []
    /// By the name of the bank, then by the number: hexadecimal.
    public private(set) var pcrs: [String: [String: String]] = [:]

    private static let banks: [(name: String, digest: @Sendable (Data) -> Data)] = [
        ("sha256", digest256), ("sha384", { data in Data((0..<Digest384.bytes).map { Digest384(of: data)[$0] }) }),
    ]

    /// - Parameters:
    ///   - key: the owner's public key that the program carries; nil: none.
    ///   - version: the program's.
    /// - Throws: `MachineError` where a file is not there, `ManifestError` where the manifest is none.
    public init(_ reader: VolumeReader, key: [UInt8]?, version: String) throws {
        func file(_ path: String) throws -> Data {
            guard let data = try reader.read("BULKHEAD/" + path) else {
                throw MachineError.missing(file: "BULKHEAD/" + path, hint: "the boot volume lacks it")
            }
            return data
        }
        for (name, digest) in Self.banks {
            let zeros = String(repeating: "00", count: digest(Data()).count)
            pcrs[name] = ["11": zeros, "12": zeros]
        }
        if let key {
            add(.ownerKey, "manifest-key.pub", Data(key))
        } else {
            let words = "no owner's key"
            add(.noOwnerKey, words, Data(words.utf8))
        }
        add(.version, version, Data(version.utf8))
        let content = try file("manifest.cbor")
        add(.manifest, "manifest.cbor", content)
        for spec in try Manifest(file: [UInt8](content)).partitionList {
            add(.kernel, spec.image.string, try file(spec.image.string))
            if !spec.initrd.isEmpty { add(.initrd, spec.initrd.string, try file(spec.initrd.string)) }
            let sites = spec.image.string + ".sites"
            // One that is not there is not measured.
            if spec.watch.response != .off, let content = try? file(sites) { add(.sites, sites, content) }
        }
    }

    private mutating func add(_ object: MeasuredObject, _ name: String, _ content: Data) {
        let pcr = "\(object.pcr)"
        var digests: [String] = []
        for (bank, digest) in Self.banks {
            let value = digest(content)
            digests.append(hexadecimal(value))
            let old = pcrs[bank]?[pcr] ?? ""
            pcrs[bank]?[pcr] = hexadecimal(digest(bytes(old) + value))
        }
        events.append(
            Event(pcr: Int(object.pcr), object: object.name, name: name, sha256: digests[0], sha384: digests[1]))
    }
}

extension MeasuredObject {
    /// For programs.
    public var name: String {
        switch self {
        case .refused: "refused"
        case .ownerKey: "owner-key"
        case .noOwnerKey: "no-owner-key"
        case .version: "version"
        case .manifest: "manifest"
        case .kernel: "kernel"
        case .initrd: "initrd"
        case .sites: "sites"
        }
    }
}

extension Manifest {
    /// A manifest's file, signed or not; whose signature it is, is not asked.
    fileprivate init(file: [UInt8]) throws(ManifestError) {
        self.init()
        if let signed = try? COSESign1(file.span, max: Self.maxEncodedSize) {
            try decode(signed.payload)
        } else {
            try decode(file.span)
        }
    }
}

private func digest256(_ data: Data) -> Data {
    var hash = SHA256()
    hash.put([UInt8](data).span)
    let words = hash.finish()
    return Data((0..<32).map { UInt8(truncatingIfNeeded: words[$0 / 4] >> UInt32(24 - $0 % 4 * 8)) })
}

private func hexadecimal(_ bytes: Data) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

private func bytes(_ text: String) -> Data {
    let digits = text.compactMap(\.hexDigitValue)
    return Data(stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) })
}
