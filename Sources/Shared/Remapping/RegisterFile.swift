import Text

/// The registers of one remapping unit, reached by byte offset. Tests put an interposer here that plays the hardware.
public protocol RegisterFile {
    func read32(_ offset: Int) -> UInt32
    func read64(_ offset: Int) -> UInt64
    func write32(_ offset: Int, _ value: UInt32)
    func write64(_ offset: Int, _ value: UInt64)
    /// Writes `bytes` from `address` on back from the caches to memory, for units that do not look into caches.
    func writeBack(_ address: UInt64, _ bytes: UInt64)
}

extension RegisterFile {
    /// Reads until the bits of `mask` are `wanted`, but at most `pollLimit` times.
    func poll(_ offset: Int, _ mask: UInt32, _ wanted: UInt32) -> Bool {
        for _ in 0..<pollLimit where read32(offset) & mask == wanted { return true }
        return false
    }
}

/// How long hardware may take: units answer within microseconds, and a read of a register takes a tenth of one or more.
let pollLimit = 1 << 18

/// Why remapping could not be set up.
public enum RemappingError: Error, Equatable {
    /// A unit did not do within bounds what it was told.
    case noAnswer(Step)
    /// A unit is not any more as it was set up.
    case changed(Step)
    /// The memory that was set aside is too small.
    case outOfMemory
    /// Guest-physical memory lies beyond the address width of a unit.
    case tooWide
    /// More cores than a function's interrupt table has room for, or an APIC id that its entries cannot name.
    case unreachableCore
    /// Another domain has the requester id.
    case otherDomain

    /// What it is about.
    public enum Step: Words, Sendable {
        case rootTable = "table of functions"
        case interruptTable = "interrupt table"
        case queue = "queue or log"
        case translation = "translation"
        case interruptRemapping = "interrupt remapping"
        case control = "controls"
        case protectedMemory = "protected memory"
    }
}
