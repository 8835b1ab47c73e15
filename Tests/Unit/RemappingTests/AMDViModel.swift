import Remapping
import UnitSupport

/// An AMD unit by the manual (specification 48882, section 3.4), reserved bits and all. What the manual forbids software, or
/// leaves undefined, is written down in `violations`.
final class AMDViModel: RegisterFile {
    static let enable: UInt64 = 1 << 0
    static let eventLog: UInt64 = 1 << 2
    static let commandBuffer: UInt64 = 1 << 12

    var violations: [String] = []
    /// How often DMA passed untranslated for a while.
    private(set) var openings = 0
    private(set) var writes = 0
    /// The device tables that were walked while it was on.
    private(set) var walked: Set<UInt64> = []
    private var stored: [Int: UInt64] = [:]
    private var overflow: UInt64 = 0
    /// Whether caches may hold what another device table said.
    private(set) var isStale = false

    private var control: UInt64 { read64(0x18) }
    private var commandsRun: Bool { control & Self.enable != 0 && control & Self.commandBuffer != 0 }
    private var eventsRun: Bool { control & Self.enable != 0 && control & Self.eventLog != 0 }

    func read64(_ offset: Int) -> UInt64 {
        switch offset {
        case 0x30: 1 << 2 | 1 << 6 | 1 << 7  // x2APIC, INVALIDATE_IOMMU_ALL, wide interrupt entries
        case 0x2020: overflow | (eventsRun ? 1 << 3 : 0) | (commandsRun ? 1 << 4 : 0)
        default: stored[offset, default: 0]
        }
    }
    func read32(_ offset: Int) -> UInt32 { UInt32(truncatingIfNeeded: read64(offset)) }
    func write32(_ offset: Int, _ value: UInt32) { write64(offset, UInt64(value)) }
    func writeBack(_ address: UInt64, _ bytes: UInt64) {}

    func write64(_ offset: Int, _ value: UInt64) {
        writes += 1
        set(offset, value)
        if control & Self.enable != 0 { walked.insert(read64(0) & ~0xFFF) }
    }

    private func set(_ offset: Int, _ value: UInt64) {
        switch offset {
        case 0x00:
            if control & Self.enable != 0 { violations.append("the device table moves while the unit is on") }
            if stored[0, default: 0] != value { isStale = true }
            stored[offset] = value & ~(0xFFF << 52 | 7 << 9)
        case 0x08:
            if commandsRun { violations.append("the command buffer moves while it runs") }
            stored[offset] = value & 0x0F0F_FFFF_FFFF_F000
        case 0x10:
            if eventsRun { violations.append("the event log moves while it runs") }
            stored[offset] = value & 0x0F0F_FFFF_FFFF_F000
        case 0x18:
            if control & Self.enable != 0, value & Self.enable == 0 { openings += 1 }
            stored[offset] = value
        case 0x20: stored[offset] = value & 0xF_FFFF_FFFF_F003
        case 0x28: stored[offset] = value & 0xF_FFFF_FFFF_F000
        case 0x2000 where commandsRun, 0x2018 where eventsRun: violations.append("the unit's own pointer is written")
        case 0x2000, 0x2010, 0x2018: stored[offset] = value & 0x7_FFF0
        case 0x2008:
            stored[offset] = value & 0x7_FFF0
            if commandsRun { runCommands() }
        case 0x2020: overflow &= ~value
        case 0x30, 0x1A0: violations.append("register \(offset) is read only")
        default: stored[offset] = value
        }
    }

    private func runCommands() {
        let base = read64(0x08) & 0xF_FFFF_FFFF_F000, size = (16 as UInt64) << (read64(0x08) >> 56)
        while read64(0x2000) != read64(0x2008) {
            let command = word(at: base + read64(0x2000)), operand = word(at: base + read64(0x2000) + 8)
            switch command >> 60 {
            case 1 where command & 1 == 1:
                let at = command & 0xF_FFFF_FFFF_FFF8
                unsafe UnsafeMutablePointer<UInt64>(bitPattern: UInt(at)).unsafelyUnwrapped.pointee = operand
            case 1: break
            case 8: isStale = false
            default: return stored[0x18] = control & ~Self.commandBuffer  // an illegal command stops them
            }
            stored[0x2000] = (read64(0x2000) + 16) % size
        }
    }
}
