import Machines
import Records

/// Who owns which physical memory, as the hypervisor wrote it down at boot.
public struct OwnershipReader {
    public struct Entry: Sendable {
        public var range: Range<UInt64>
        public var kind: OwnershipKind
        public var owner: Int
        public var index: Int
        public var detail: UInt64
    }

    public let entries: [Entry]
    /// What is outermost, in ascending order.
    private let outer: [Entry]
    private let names: [String]

    /// Finds the ownership in a machine's memory.
    /// - Parameter partitions: their names, in the manifest's order.
    /// - Throws: `MachineError.declined` when there is none or not one alone, or when it contradicts itself.
    public init(_ memory: PhysicalMemory, partitions: [String]) throws {
        let magic = unsafe withUnsafeBytes(of: OwnershipHeader.magic) { unsafe Array($0) }
        let found = memory.find(magic).compactMap { at in
            memory.load(at, as: OwnershipHeader.self).flatMap { $0.address == at ? $0 : nil }
        }
        guard let header = found.first, found.count == 1 else {
            throw MachineError.declined("there are \(found.count) ownership records in the machine's memory")
        }
        guard header.version == OwnershipHeader.version, header.count > 0, header.count < 512 else {
            throw MachineError.declined("the ownership has version \(header.version) and \(header.count) entries")
        }
        entries = try (0..<UInt64(header.count)).map { i in
            let stride = UInt64(MemoryLayout<OwnershipEntry>.stride)
            let at = header.address + UInt64(MemoryLayout<OwnershipHeader>.size) + i * stride
            guard let entry = memory.load(at, as: OwnershipEntry.self), let kind = OwnershipKind(rawValue: entry.kind)
            else {
                throw MachineError.declined("the ownership's entry \(i) is of a kind that nobody knows")
            }
            return Entry(
                range: entry.base..<entry.base + entry.size, kind: kind, owner: Int(entry.owner),
                index: Int(entry.index), detail: entry.detail)
        }
        names = partitions
        outer = entries.filter { !$0.kind.isInner }.sorted { $0.range.lowerBound < $1.range.lowerBound }
        for (a, b) in zip(outer, outer.dropFirst()) where a.range.upperBound > b.range.lowerBound {
            throw MachineError.declined("the ownership gives \(name(a)) and \(name(b)) the same memory")
        }
        for entry in entries where entry.kind.isInner {
            guard let around = self.outer(at: entry.range.lowerBound), around.kind == entry.kind.around,
                around.owner == entry.owner,
                entry.range.upperBound <= around.range.upperBound
            else { throw MachineError.declined("the ownership has \(name(entry)) where it is not its owner's") }
        }
    }

    public func of(_ kind: OwnershipKind) -> [Entry] { entries.filter { $0.kind == kind } }
    public func of(_ kind: OwnershipKind, owner: Int) -> [Entry] { of(kind).filter { $0.owner == owner } }

    /// The outermost entry around an address.
    public func outer(at address: UInt64) -> Entry? { outer.first { $0.range.contains(address) } }

    /// The innermost entry around an address, and where it or what comes before the next entry ends.
    public func entry(at address: UInt64) -> (entry: Entry?, end: UInt64) {
        let innermost = entries.filter { $0.range.contains(address) }.min { $0.range.count < $1.range.count }
        let next = entries.map(\.range.lowerBound).filter { $0 > address }.min() ?? .max
        return (innermost, min(innermost?.range.upperBound ?? .max, next))
    }

    public func name(_ entry: Entry) -> String { "\(name(owner: entry.owner))'s \(entry.kind)" }
    public func name(owner: Int) -> String {
        switch owner {
        case Int(OwnershipEntry.housekeeping): "housekeeping"
        case Int(OwnershipEntry.everyone): "everyone"
        default: owner < names.count ? names[owner] : "partition \(owner)"
        }
    }
}

extension OwnershipKind {
    /// What it lies inside; nil for what is outermost.
    var around: OwnershipKind? {
        switch self {
        case .controlPage, .unclaimed, .core, .nestedRoot, .constantBlock, .model, .modelProgram: .block
        case .messages: .registers
        case .faultLog: .remapping
        default: nil
        }
    }
    var isInner: Bool { around != nil }
}
