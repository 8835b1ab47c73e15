import Platform
import X86

/// Segment registers in the order in which VMX has their fields (SDM volume 3D, appendix B).
enum Segment: UInt32 { case es, cs, ss, ds, fs, gs, ldtr, tr }

// The guest's state at its start and after start-up IPIs.
extension VirtualCPU {
    /// Puts the processor at the first instruction of the partition's loader, in 32-bit protected mode with flat segments and
    /// without paging; it sees the images.
    mutating func resetToLoader() {
        clear()
        view(isLoading: true)
        segment(.cs, selector: 0x10, SegmentAttributes.code32, limit: 0xFFFF_FFFF, base: 0)
        setData(selector: 0x18, SegmentAttributes.data32, limit: 0xFFFF_FFFF)
        // Nobody loads this one anew: PVH wants it so.
        segment(.tr, selector: 0x20, SegmentAttributes.busyTSS, limit: 0x67, base: 0)
        cr0 = CR0.extensionType | CR0.protectionEnable
        rip = LoaderMemory.program
    }

    /// Puts the processor at the first instruction of the partition's device model, in long mode by the tables at `root`.
    mutating func resetToModel(_ root: UInt64) {
        clear()
        segment(.cs, selector: 0x10, SegmentAttributes.code64, limit: 0xFFFF_FFFF, base: 0)
        setData(selector: 0x18, SegmentAttributes.data32, limit: 0xFFFF_FFFF)
        cr0 = CR0.paging | CR0.writeProtect | CR0.extensionType | CR0.protectionEnable
        enterLongMode(root)
        rip = ModelMemory.program
    }

    /// Puts the processor where a start-up IPI with this vector has it (real mode, CS = vector << 8).
    mutating func reset(startUp vector: UInt8) {
        clear()
        segment(.cs, selector: UInt16(vector) << 8, SegmentAttributes.code16, limit: 0xFFFF, base: UInt64(vector) << 12)
        setData(selector: 0, SegmentAttributes.data16, limit: 0xFFFF)
        // INIT leaves caching disabled (SDM table 9-1; APM volume 2, section 14.1.3), which no guest relies on.
        cr0 = CR0.extensionType
    }

    private func setData(selector: UInt16, _ attributes: UInt16, limit: UInt32) {
        let all: [5 of Segment] = [.ds, .es, .ss, .fs, .gs]
        for i in all.indices { segment(all[i], selector: selector, attributes, limit: limit, base: 0) }
    }
}
