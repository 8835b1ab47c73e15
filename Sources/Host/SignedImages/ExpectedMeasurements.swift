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
        /// `owner-key`, `no-owner-key`, `version`, `manifest`, `kernel`, `initrd`, `sites` or
        /// `closed`.
        public var object: String
        /// As the event in the log names it.
        public var name: String
        /// Digests of the object, hexadecimal.
        public var sha256, sha384: String
    }

    /// What the measured manifest asks for a partition: whoever reads evidence learns what may run unencrypted.
    public struct Partition: Codable, Equatable, Sendable {
        public var name: String
        /// `required`, `preferred`, `none`.
        public var memoryKey: String
    }

    public private(set) var events: [Event] = []
    public private(set) var partitions: [Partition] = []
    /// By the name of the bank, then by the number: hexadecimal.
    public private(set) var pcrs: [String: [String: String]] = [:]

    private static let banks: [(name: String, digest: @Sendable (Data) -> [UInt8])] = [
        ("sha256", { SHA256.digest($0) }), ("sha384", { bytes(Digest384(of: $0)) }),
    ]

    private static func bytes(_ digest: Digest384) -> [UInt8] { (0..<Digest384.bytes).map { digest[$0] } }

    /// - Parameters:
    ///   - key: the owner's public key that the program carries; nil: none.
    ///   - version: the program's.
    ///   - mustBeOwners: whether the manifest must be signed by that key, and name each image as it is: the very bytes that are
    ///     measured, whatever was verified before.
    /// - Throws: `MachineError` where a file is not there, is none that the machine reads or not the owner's; `ManifestError` where
    ///   the manifest is none.
    public init(_ reader: VolumeReader, key: [UInt8]?, version: String, mustBeOwners: Bool = false) throws {
        func file(_ path: String, atMost limit: Int) throws -> Data? {
            let path = "BULKHEAD/" + path, data = try reader.read(path, atMost: limit)
            guard data?.isEmpty != true else {
                throw MachineError.impossible("\(path) is empty: the machine neither reads nor measures it")
            }
            return data
        }
        func required<T>(_ path: String, _ found: T?) throws -> T {
            guard let found else {
                throw MachineError.missing(file: "BULKHEAD/" + path, hint: "the boot volume lacks it")
            }
            return found
        }
        // An image, which may be large, is in memory once, and hashed once for each bank.
        func image(_ path: String, _ digest: Digest384?) throws -> [[UInt8]]? {
            guard let content = try file(path, atMost: BootFileLimit.image) else { return nil }
            let digests = Self.banks.map { $0.digest(content) }
            if mustBeOwners, digest.map({ Self.bytes($0) }) != digests[1] { throw Self.isOthers(path) }
            return digests
        }
        var values = Self.banks.map { bank in
            let zeros = [UInt8](repeating: 0, count: bank.digest(Data()).count)
            return [11: zeros, 12: zeros]
        }
        func small(_ content: some Sequence<UInt8>) -> [[UInt8]] { Self.banks.map { $0.digest(Data(content)) } }
        if let key {
            add(.ownerKey, "manifest-key.pub", small(key), &values)
        } else {
            let words = "no owner's key"
            add(.noOwnerKey, words, small(words.utf8), &values)
        }
        add(.version, version, small(version.utf8), &values)
        let manifest = "manifest.cbor"
        let content = [UInt8](try required(manifest, file(manifest, atMost: BootFileLimit.manifest)))
        if mustBeOwners, key.map({ COSESign1.isSigned(content, by: $0, for: "manifest") }) != true {
            throw Self.isOthers(manifest)
        }
        add(.manifest, manifest, small(content), &values)
        for spec in try Manifest(file: content).partitionList {
            partitions.append(Partition(name: spec.name.string, memoryKey: spec.resources.memoryKey.name))
            let kernel = spec.image.string, initrd = spec.initrd.string, sites = kernel + ".sites"
            add(.kernel, kernel, try required(kernel, image(kernel, spec.digests?.kernel)), &values)
            if !initrd.isEmpty {
                add(.initrd, initrd, try required(initrd, image(initrd, spec.digests?.initrd)), &values)
            }
            guard spec.watch.response != .off else { continue }
            if let digests = try image(sites, spec.digests?.sites) {
                add(.sites, sites, digests, &values)
            } else if mustBeOwners, spec.digests?.sites != nil {
                // One that is not there is not measured; but this one was there when it was verified.
                throw Self.isOthers(sites)
            }
        }
        add(.closed, "closed", small("closed".utf8), &values)
        for (bank, values) in zip(Self.banks, values) {
            pcrs[bank.name] = Dictionary(
                uniqueKeysWithValues: values.map { ("\($0.key)", SecretFile.hexadecimal($0.value)) })
        }
    }

    private static func isOthers(_ path: String) -> MachineError {
        .impossible("BULKHEAD/\(path) is not what the owner has signed, or was changed while it was read")
    }

    /// - Parameters:
    ///   - digests: the object's, one for each bank.
    ///   - values: the PCRs', which they extend.
    private mutating func add(
        _ object: MeasuredObject, _ name: String, _ digests: [[UInt8]], _ values: inout [[Int: [UInt8]]]
    ) {
        let pcr = Int(object.pcr), words = digests.map { SecretFile.hexadecimal($0) }
        for (i, bank) in Self.banks.enumerated() {
            values[i][pcr] = bank.digest(Data((values[i][pcr] ?? []) + digests[i]))
        }
        events.append(Event(pcr: pcr, object: object.name, name: name, sha256: words[0], sha384: words[1]))
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
        case .closed: "closed"
        }
    }
}

extension Manifest {
    /// A manifest's file, signed or not; whose signature it is, is not asked.
    fileprivate init(file: [UInt8]) throws(ManifestError) {
        self.init()
        let content = Self.payload(ofSigned: file) ?? file
        try decode(content.span)
    }

    /// What a signed file signs; nil for one that is not signed.
    static func payload(ofSigned file: [UInt8]) -> [UInt8]? {
        guard let signed = try? COSESign1(file.span, max: maxEncodedSize) else { return nil }
        return (0..<signed.payload.count).map { signed.payload[$0] }
    }
}
