import Foundation
import ManifestFile
import PCI

/// What a machine has, as `bulkhead inventory --json` prints it: from Linux, or from the hypervisor, in one schema.
/// Documentation/inventory.md has every key.
public struct Inventory: Codable, Equatable, Sendable {
    public struct Core: Codable, Equatable, Sendable {
        /// As manifests number cores.
        public var index: Int
        public var package: Int
        public var core: Int
        public var thread: Int
        public var apicId: UInt32?
        /// Of a processor with two kinds: `performance` or `efficiency`; from Linux.
        public var kind: String?
    }

    public struct Cache: Codable, Equatable, Sendable {
        public var level: Int
        /// `data`, `instruction` or `unified`.
        public var type: String
        public var sizeBytes: UInt64
        public var ways: Int?
        /// The cores that share it.
        public var cores: [Int]
    }

    public struct Range: Codable, Equatable, Sendable {
        public var base: UInt64
        public var sizeBytes: UInt64
    }

    public struct Memory: Codable, Equatable, Sendable {
        public var installedBytes: UInt64
        /// Where partitions may be. Empty: not known.
        public var ranges: [Range]
    }

    public struct Bar: Codable, Equatable, Sendable {
        public var index: Int
        /// `memory` or `ports`.
        public var kind: String
        public var sizeBytes: UInt64
    }

    /// Of a physical function: its virtual ones (SR-IOV).
    public struct VirtualFunctions: Codable, Equatable, Sendable {
        public var total: Int
        public var offset: Int
        public var stride: Int
        /// Their device id; the vendor is the physical function's.
        public var device: String
        /// Their isolation group; absent when each has one of its own.
        public var group: String?
    }

    public struct Function: Codable, Equatable, Sendable {
        /// `bus:device.function`.
        public var address: String
        /// `vendor:device`.
        public var id: String
        /// Class, subclass and programming interface.
        public var classCode: String
        /// Linux only.
        public var driver: String?
        /// The lowest address of its isolation group; absent when unknown.
        public var group: String?
        public var bridge: Bool
        /// Whether the firmware goes on using it; absent when unknown.
        public var reserved: Bool?
        /// `function-level`, `power-state`, `bus`: how it can be reset.
        public var resets: [String]
        public var virtualFunctions: VirtualFunctions?
        /// Of a virtual function that is enabled: its physical one.
        public var physicalFunction: String?
        public var bars: [Bar]
        /// Vendor's and device's, where pci.ids is installed; Linux only.
        public var name: String?
        /// `msi`, `msi-x`, `pin`: how it can interrupt; absent when unknown.
        public var interrupts: [String]?
        /// Why no partition can own it, where that is known and not said by another key.
        public var problem: String?
    }

    public struct Unit: Codable, Equatable, Sendable {
        /// `vt-d` or `amd-vi`.
        public var kind: String
        /// Linux only.
        public var name: String?
        /// The physical address of its registers.
        public var registers: UInt64?
    }

    /// `linux` or `bulkhead`.
    public var source: String
    public var name: String
    public var processor: String?
    public var cores: [Core]
    public var caches: [Cache]
    public var memory: Memory
    public var functions: [Function]
    public var iommus: [Unit]
    /// Whether partitions can own functions; from Linux, whether there is an IOMMU at all.
    public var usableIommu: Bool
    /// Why partitions cannot, in the words of the boot's line.
    public var iommuProblem: String?
    /// By what cores are numbered: `firmware`, as manifests do, or `linux` where its table cannot be read.
    public var coreNumbers: String?
    /// Processors that Linux has switched off, by its own numbers; they are not among `cores`.
    public var offline: [Int]?
    /// What caches and bandwidth can be divided into; absent where it is not known.
    public var allocation: Allocation?
    /// How many partitions can have a memory key of their own; absent where it is not known.
    public var memoryKeys: Int?
    /// Why none can.
    public var memoryKeyProblem: String?
    /// Whether Secure Boot is on, and whether there is a TPM (2.0); from the hypervisor, one that took all measurements. Absent
    /// where it is not known.
    public var secureBoot: Bool?
    public var tpm: Bool?
    /// Memory encryption and allocation, as Linux names them: `sme`, `sev`, `tme`, `cat_l3`, `mba` ...
    public var features: [String]

    /// Deterministic JSON, keys in snake case.
    public var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.keyEncodingStrategy = .convertToSnakeCase
            return try jsonText(self, encoder, pretty: true)
        }
    }

    /// More of anything than a machine has.
    private static let most = 1 << 16

    /// Reads what `json` gives.
    /// - Throws: also for lists that are longer than any machine's.
    public init(json: Data) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        self = try decoder.decode(Inventory.self, from: json)
        let counts = [cores.count * 16, caches.count, memory.ranges.count * 16, functions.count, iommus.count]
        guard counts.allSatisfy({ $0 <= Self.most }) else {
            throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "this is no machine"))
        }
    }

    init(source: String, name: String) {
        self.source = source
        self.name = name
        cores = []
        caches = []
        memory = Memory(installedBytes: 0, ranges: [])
        functions = []
        iommus = []
        usableIommu = false
        features = []
    }
}

extension Inventory {
    /// The host's name as a manifest's name of a machine.
    public var machineName: String {
        let letters = name.lowercased().prefix { $0 != "." }.map {
            $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-"
        }
        let text = String(letters.drop { !$0.isLetter }.prefix(31))
        return text.isEmpty ? "machine" : text
    }
}
