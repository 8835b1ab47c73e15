import Remapping
import UnitSupport

/// A VT-d unit by the manual (VT-d specification, section 11.4), reserved bits and all. What the manual forbids software, or
/// leaves undefined, is written down in `violations`.
final class VTDModel: RegisterFile {
    static let translation: UInt64 = 1 << 31
    static let setRoot: UInt64 = 1 << 30
    static let queue: UInt64 = 1 << 26
    static let remapping: UInt64 = 1 << 25
    static let setInterrupts: UInt64 = 1 << 24
    static let compatibility: UInt64 = 1 << 23

    var violations: [String] = []
    private(set) var writes = 0
    /// Commands that go unheard.
    var ignored: UInt64 = 0
    /// Global status.
    private(set) var status: UInt64 = 0
    /// What the unit walks: what was in the registers when it was told to take it, not what is there now.
    private(set) var root: UInt64 = 0
    private(set) var interrupts: UInt64 = 0
    /// How often DMA passed untranslated for a while.
    private(set) var openings = 0
    private var stored: [Int: UInt64] = [:]
    private var head: UInt64 = 0
    /// Whether caches may hold what other tables said.
    private var isStale = false
    private var isInterruptStale = false
    /// Descriptors carried out since the root table changed, by type.
    private var descriptors: [UInt64] = []

    /// 1Bh, or without interrupt remapping 13h.
    var extended: UInt64 = 0x1B
    var capability: UInt64 = 0x0000_000C_2200_0466 | 47 << 16  // protected memory, low and high

    func isOn(_ bit: UInt64) -> Bool { status & bit != 0 }

    func read64(_ offset: Int) -> UInt64 {
        switch offset {
        case 0x08: capability
        case 0x10: extended
        case 0x18: 0  // the command register is written only
        case 0x1C: status
        case 0x80: head
        default: stored[offset, default: 0]
        }
    }
    func read32(_ offset: Int) -> UInt32 { UInt32(truncatingIfNeeded: read64(offset)) }
    func write32(_ offset: Int, _ value: UInt32) { write64(offset, UInt64(value)) }
    func writeBack(_ address: UInt64, _ bytes: UInt64) {}

    func write64(_ offset: Int, _ value: UInt64) {
        writes += 1
        switch offset {
        case 0x18: command(value)
        case 0x20: stored[offset] = value & ~0x3FF  // bits 9:0 are reserved
        case 0xB8: stored[offset] = value & ~0x7F0  // 10:4
        case 0x90:
            if isOn(Self.queue) { violations.append("the queue's address changes while it is on") }
            stored[offset] = value & ~0x7F8
        case 0x88:
            stored[offset] = value & 0x7_FFF0
            if isOn(Self.queue) { runQueue() }
        case 0x9C: stored[offset] = read64(offset) & ~value & 1
        case 0x34: stored[offset] = read64(offset) & ~(value & 0x71)
        case 0x64: stored[offset] = value & 1 << 31 | value >> 31 & 1  // the status follows
        case 0x08, 0x10, 0x1C, 0x80: violations.append("register \(offset) is read only")
        default: stored[offset] = value
        }
    }

    /// Section 11.4.4: one bit a write.
    private func command(_ value: UInt64) {
        let lasting = Self.translation | Self.queue | Self.remapping | Self.compatibility
        if value & ~(lasting | Self.setRoot | Self.setInterrupts | 1 << 27) != 0 {
            violations.append("reserved command")
        }
        let changed = (value ^ status) & lasting | value & (Self.setRoot | Self.setInterrupts | 1 << 27)
        if changed.nonzeroBitCount > 1 { violations.append("\(changed.nonzeroBitCount) commands in one write") }
        if extended & 1 << 3 == 0, value & (Self.remapping | Self.setInterrupts) != 0 {
            violations.append("there is no interrupt remapping")
        }
        if changed & ignored != 0 { return status &= ~changed }
        if changed & value & Self.setRoot != 0 { takeRoot() }
        if changed & value & Self.setInterrupts != 0 { takeInterrupts() }
        if changed & value & Self.queue != 0 {
            head = 0
            if read64(0x88) != 0 { violations.append("the queue begins with a tail") }
        }
        if changed & value & Self.translation != 0 {
            if isStale { violations.append("translation begins with stale caches") }
            if status & Self.setRoot == 0 { violations.append("translation begins without a table") }
        }
        if changed & ~value & Self.translation != 0 { openings += 1 }
        if changed & value & Self.remapping != 0, isInterruptStale {
            violations.append("remapping begins with stale caches")
        }
        status = status & ~lasting | value & lasting
    }

    private func takeRoot() {
        if isOn(Self.translation), (read64(0x20) ^ root) & 0xC00 != 0 {
            violations.append("the type of table changes under translation")
        }
        if root != read64(0x20) {
            isStale = true
            descriptors = []
        }
        root = read64(0x20)
        status |= Self.setRoot
    }

    private func takeInterrupts() {
        if isOn(Self.remapping), (read64(0xB8) ^ interrupts) & 1 << 11 != 0 {
            violations.append("the width of destinations changes under remapping")
        }
        if interrupts != read64(0xB8) { isInterruptStale = true }
        interrupts = read64(0xB8)
        status |= Self.setInterrupts
    }

    private func runQueue() {
        let base = read64(0x90) & ~0xFFF
        while head != read64(0x88) {
            let descriptor = word(at: base + head)
            descriptors.append(descriptor & 0xF)
            switch descriptor & 0xF {
            case 4 where extended & 1 << 3 == 0:
                stored[0x34] = read64(0x34) | 1 << 4
                return
            case 4: isInterruptStale = false
            case 1, 2: if descriptors.contains(1), descriptors.contains(2) { isStale = false }
            case 5: if descriptor >> 4 & 1 == 1 { stored[0x9C] = 1 }
            default:
                stored[0x34] = read64(0x34) | 1 << 4
                return
            }
            head = (head + 16) & 0xFFF
        }
    }
}
