import CBOR

/// One thing that a machine has, as numbers. Items of one kind follow each other; the one of kind `machine` is the first.
public struct InventoryItem: Sendable {
    /// The raw values travel on the link and never change; so does the order of the numbers, to which a later version may
    /// append.
    public enum Kind: UInt8, Sendable {
        /// Whether devices can be confined (0, 1), bytes of memory in all, the processor's `ProcessorFeatures`.
        case machine = 0
        /// The core's index, its package, its core there, its thread there, its APIC id.
        case core = 1
        /// Level, type (1 data, 2 instructions, 3 both), bytes, ways, and how many low bits of an APIC id tell apart the
        /// threads that share one.
        case cache = 2
        /// Memory for partitions: first address, bytes.
        case memory = 3
        /// Requester id, vendor, device, class code, the lowest requester id of its isolation group, flags (1 bridge, 2
        /// kept by the firmware), reset (`ResetMethod`), virtual functions: total, offset, stride, device id, group + 1
        /// (0: each its own); BARs, a byte each, from the lowest on: the exponent of its size and, as bit 7, whether it
        /// has I/O ports.
        case function = 4
        /// Kind (1 Intel VT-d, 2 AMD-Vi), address of its registers.
        case iommu = 5
    }

    public static let maxValues = 13
    public let kind: Kind
    public private(set) var values = InlineArray<13, UInt64>(repeating: 0)
    public private(set) var count = 0

    public init(_ kind: Kind) { self.kind = kind }

    /// Appends the next number; more than `maxValues` are dropped.
    public mutating func append(_ value: UInt64) {
        guard count < Self.maxValues else { return }
        values[count] = value
        count += 1
    }

    func write(_ writer: inout CBORWriter) {
        writer.array(1 + count)
        writer.uint(UInt64(kind.rawValue))
        for i in 0..<count { writer.uint(values[i]) }
    }

    /// nil for a kind that this version does not know.
    static func read(_ reader: inout CBORReader) throws(CBORError) -> InventoryItem? {
        let count = try reader.array(max: 64)
        guard count > 0 else { throw .outOfRange }
        let kind = UInt8(exactly: try reader.uint()).flatMap(Kind.init)
        var item = InventoryItem(kind ?? .machine)
        for _ in 1..<count { item.append(try reader.uint()) }
        return kind == nil ? nil : item
    }
}

/// What one `inventory` request brings: some of the items.
public struct InventoryPart: Sendable {
    /// The most items of one answer; each takes at most 129 bytes.
    public static let capacity = 12
    /// How many items there are in all.
    public private(set) var total = 0
    /// The index of the first item here, and how many are here.
    public private(set) var first = 0
    public private(set) var count = 0
    /// nil where the item's kind is unknown to this version.
    public private(set) var items = InlineArray<12, InventoryItem?>(repeating: nil)

    static func writeHead(_ writer: inout CBORWriter, total: Int, first: Int, count: Int) {
        writer.map(4)
        writer.field(0, UInt64(ControlStatus.ok.rawValue))
        writer.field(1, UInt64(total))
        writer.field(2, UInt64(first))
        writer.key(3)
        writer.array(count)
    }

    /// Reads the rest of a reply whose status was read by `ControlReply`.
    public init(_ reply: inout ControlReply) throws(CBORError) {
        while let key = try reply.map.next(&reply.reader) {
            switch key {
            case 1: total = try reply.reader.number(max: 1 << 16)
            case 2: first = try reply.reader.number(max: 1 << 16)
            case 3:
                count = try reply.reader.array(max: Self.capacity)
                for i in 0..<count { items[i] = try InventoryItem.read(&reply.reader) }
            default: try reply.reader.skip()
            }
        }
        try reply.reader.finish()
    }
}
