import Silicon

/// A core's own segment descriptors and task state segment (AMD64 APM volume 2, sections 4.8 and 12.2.5). The task state
/// segment gives double faults a stack of their own.
struct Descriptors {
    /// 40h bytes of descriptors, then 68h bytes of task state segment.
    let base: UInt64
    static let code = UInt64(CODE_SELECTOR)
    static let data = UInt64(DATA_SELECTOR)
    static let task: UInt64 = 0x20
    private static let taskLimit: UInt64 = 0x67

    var taskState: UInt64 { base + 0x40 }
    /// Those that the executing core uses now.
    static var current: Descriptors { Descriptors(base: cpu_gdt_base()) }

    func fill(doubleFaultStack: UInt64) {
        let state = taskState
        store(0x00AF_9B00_0000_FFFF as UInt64, base + Self.code)
        store(0x00CF_9300_0000_FFFF as UInt64, base + Self.data)
        store(
            Self.taskLimit | (state & 0xFF_FFFF) << 16 | 0x89 << 40 | (state >> 24 & 0xFF) << 56,
            base + Self.task)
        store(state >> 32, base + Self.task + 8)
        store(doubleFaultStack, state + 0x24)  // IST1
        store(UInt16(Self.taskLimit + 1), state + 0x66)  // no port map
    }

    /// Makes the executing core use them.
    func activate() {
        load_segments(base, 0x3F)
        cpu_ltr(UInt16(Self.task))
    }
}
