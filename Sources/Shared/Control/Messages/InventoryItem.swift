/// One thing that a machine has, as numbers. Items of one kind follow each other; the one of kind `machine` is the first.
public struct InventoryItem: Sendable {
    /// The raw values travel on the link and never change; so does the order of the numbers, to which a later version may
    /// append.
    public enum Kind: UInt8, Sendable {
        /// Whether devices can be confined (0, 1), bytes of memory in all; earlier hypervisors': what the
        /// processor can, by bits; how many partitions can have memory keys, why none can (`MemoryKeyObstacle` + 1; 0: they can).
        case machine = 0
        /// The core's index, its package, its core there, its thread there, its APIC id.
        case core = 1
        /// Earlier hypervisors': level, type (1 data, 2 instructions, 3 both), bytes, ways, and how many low bits of an APIC
        /// id tell apart the threads that share one.
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
        /// An answer of CPUID: leaf, subleaf, EAX, EBX, ECX, EDX. What it means the tool knows: features and caches.
        case processor = 6
    }

    /// The most items of one reply; each takes at most 129 bytes.
    public static let pageCapacity = 12

    public let kind: Kind
    public var values = InlineArray<13, UInt64>(repeating: 0)
    /// How many of `values` are meant.
    public var count: Int

    /// - Parameter values: at most 13.
    public init<let n: Int>(_ kind: Kind, _ values: InlineArray<n, UInt64>) {
        self.kind = kind
        count = n
        for i in 0..<n { self.values[i] = values[i] }
    }
}
