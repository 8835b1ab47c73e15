/// What the hypervisor writes down about who owns which physical memory, once at boot, in a page of its own that no core
/// maps: for tools that read a machine's memory from outside. A header, then `count` entries, little-endian.
public struct OwnershipHeader: BitwiseCopyable, Sendable {
    /// "BULKHEADOWNERS", a line end and a zero byte.
    public static let magic: (UInt64, UInt64) = (0x4441_4548_4B4C_5542, 0x000A_5352_454E_574F)
    public static let version: UInt32 = 1

    public var magic = Self.magic
    /// Physical address of this header, so that a copy of it is told from itself.
    public var address: UInt64
    public var version = Self.version
    public var count: UInt32 = 0

    public init(address: UInt64) { self.address = address }
}

/// What an entry of the ownership speaks of.
public enum OwnershipKind: UInt16, Sendable {
    /// The hypervisor's instructions, for all cores to execute.
    case text = 1
    /// Its constants, its interrupt table and permission maps, its symbols: for all cores to read.
    case constants
    /// The page on which processors start.
    case startUp
    /// The ownership itself, which nobody maps.
    case ownership
    /// A partition's memory: its guest's.
    case memory
    /// Where the hypervisor keeps what it needs for one partition; the parts that follow lie inside.
    case block
    /// In a block: what the housekeeping core may read and write too.
    case controlPage
    /// In a block: a guest's one page without an owner.
    case unclaimed
    /// In a block: a core's private structures; `detail` is the root of its page tables.
    case core
    /// In a block: a page of a nested table, its root; `index` is the core that uses it, `detail` 1 where that is only
    /// while the partition's loader runs, 2 where it is its device model's.
    case nestedRoot
    /// A kernel or an initial RAM disk, for the partition's loader to read, and for the core of its boot vCPU, which verifies it.
    case image
    /// Configuration space of a PCI function, or of the bridge above it, for the partition's cores but not for the guest;
    /// `index` is its requester id.
    case configuration
    /// Registers of a function, in memory; `index` is its requester id. Or those of the TPM; `index` is 0.
    case registers
    /// In registers: an MSI-X table, which the guest does not reach.
    case messages
    /// Tables and queues of the IOMMU, of which the housekeeping core reads the log and no core writes any.
    case remapping
    /// Registers of an IOMMU, for the housekeeping core; `index` is 0 for VT-d, 1 for AMD-Vi.
    case remappingUnit
    /// In an IOMMU's tables: what the housekeeping core keeps of the faults that it has read.
    case faultLog
    /// Instructions that only boot needs, or a vendor's that the machine does not have: zeroes that no core maps.
    case erased
    /// In a block: page tables, nested tables and what never changes, which no core maps writable.
    case constantBlock
    /// Half a channel: what the cores of `owner` write for those of partition `index`, who only read it; their guests do, too, from its second page
    /// on, where `detail` is 1.
    case wire
    /// In a block: what the partition's device model writes; `detail` is 0 for its memory, 1 for its own page tables, 2 for the
    /// rings of what comes for its guest, which the housekeeping core has too.
    case model
    /// In a block: its program, which no core executes.
    case modelProgram
}

/// One range of physical memory and its owner.
public struct OwnershipEntry: BitwiseCopyable, Sendable, Equatable {
    /// Bytes, multiples of 4 KiB.
    public var base: UInt64
    public var size: UInt64
    /// A `OwnershipKind`.
    public var kind: UInt16
    /// A partition's index in the manifest, or one of the two below.
    public var owner: UInt16
    /// A core's index in the machine, for `core` and `nestedRoot`.
    public var index: UInt32
    public var detail: UInt64

    public static let housekeeping: UInt16 = 0x100
    public static let everyone: UInt16 = 0x101
    /// A core's structures (`core`), from `base` on: two pages that the core only reads, its constants and the area in which
    /// an AMD processor saves the host; the processor's own blocks for its guest and for the device model; the page that is not mapped below the stack.
    public static let constants: UInt64 = 0x1000
    public static let hostSave: UInt64 = 0x2000
    public static let controlBlock: UInt64 = 0x3000
    public static let guardPage: UInt64 = 0x6000

    public init(
        _ kind: OwnershipKind, _ base: UInt64, _ size: UInt64, owner: UInt16, index: Int = 0, detail: UInt64 = 0
    ) {
        self.base = base
        self.size = size
        self.kind = kind.rawValue
        self.owner = owner
        self.index = UInt32(index)
        self.detail = detail
    }
}
