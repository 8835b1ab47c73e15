import ManifestRules
import X86

extension ProtectionItem {
    /// All that this version knows, in order.
    static var all: [ProtectionItem] { (0..<17).compactMap { ProtectionItem(rawValue: $0) } }

    var words: String {
        switch self {
        case .cr0: "CR0: paging, write protection, caches"
        case .cr3: "CR3: the core's own page tables"
        case .cr4: "CR4"
        case .efer: "EFER: NX, virtualization"
        case .memoryTypes: "PAT: memory types of the core's own tables"
        case .localAPIC: "APIC_BASE: x2APIC mode"
        case .virtualization: "VM_CR or FEATURE_CONTROL"
        case .exitState: "what an exit comes back to"
        case .intercepts: "intercepts"
        case .exceptionIntercepts: "intercepts of exceptions"
        case .permissionMaps: "permission maps of ports and MSRs"
        case .nestedTables: "nested page tables"
        case .addressSpace: "address space id"
        case .errata: "settings against the processor's errata"
        case .remapping: "IOMMUs: translation on, by our tables"
        case .ownedBits: "bits of CR0 and CR4 that are not the guest's"
        case .resources: "cache masks, bandwidth limits, class; memory keys"
        }
    }
}

/// What `selfcheck` prints: a row for each core and each thing that it has read back.
public struct SelfCheckReport {
    public struct Row: Codable, Sendable, Equatable {
        /// Nil: the housekeeping core's own.
        public var partition: String?
        public var core: Int?
        public var item: String
        public var ok: Bool
    }
    public private(set) var rows: [Row] = []

    public init() {}

    public var isGood: Bool { !rows.isEmpty && rows.allSatisfy(\.ok) }

    /// - Parameters:
    ///   - cores: the partition's, a bit each; vCPUs have them in ascending order.
    ///   - words: `ProtectionReport.word` of each vCPU's core, 0 where it does not answer.
    public mutating func add(_ partition: String, _ cores: UInt64, _ words: [UInt64]) {
        let numbers = (0..<64).filter { cores >> UInt64($0) & 1 == 1 }
        for (vcpu, word) in words.enumerated() {
            let core = vcpu < numbers.count ? numbers[vcpu] : nil
            add(word) { Row(partition: partition, core: core, item: $0, ok: $1) }
        }
    }

    /// The core that answers managers is the same for every partition.
    public mutating func addHousekeeping(_ word: UInt64) {
        guard !rows.contains(where: { $0.partition == nil }) else { return }
        add(word) { Row(partition: nil, core: nil, item: $0, ok: $1) }
    }

    private mutating func add(_ word: UInt64, _ row: (String, Bool) -> Row) {
        if word == 0 { rows.append(row("the core does not answer", false)) }
        let report = ProtectionReport(word: word)
        for item in ProtectionItem.all where report.read >> item.rawValue & 1 == 1 {
            rows.append(row(item.words, report.failed >> item.rawValue & 1 == 0))
        }
    }

    public var text: String {
        var table = TextTable(["PARTITION", "CORE", "WHAT", ""], numbers: [1])
        for row in rows {
            table.add([
                row.partition.map { printable($0) } ?? "(housekeeping)", row.core.map(String.init) ?? "-", row.item,
                row.ok ? "ok" : "NOT AS WRITTEN",
            ])
        }
        return table.lines.joined(separator: "\n")
    }
}
