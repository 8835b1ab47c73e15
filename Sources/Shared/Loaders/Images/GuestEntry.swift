/// How the first vCPU of a guest starts: registers, and where its descriptor table lies. Registers that are not named
/// here are zero; RFLAGS is 2 (interrupts off).
public struct GuestEntry: Equatable, Sendable {
    public enum Mode: UInt8, Sendable {
        /// 64-bit mode: CR0 = PG|PE, CR4 = PAE, EFER = LME|LMA, CS 64-bit; low 4 GiB mapped one to one by `cr3`.
        case long64
        /// 32-bit protected mode: CR0 = PE, paging off, EFER = 0, flat 4 GiB segments; `cr3` is 0.
        case protected32
    }

    /// Selectors into the prepared table: flat code (64- or 32-bit as the mode says), flat data for DS, ES, SS, FS and
    /// GS, and a busy 32-bit TSS (base 0, limit 67h) for TR.
    public static let codeSelector: UInt16 = 0x10
    public static let dataSelector: UInt16 = 0x18
    public static let taskSelector: UInt16 = 0x20

    public var mode: Mode
    public var rip: UInt64
    public var rsp: UInt64 = LowMemory.stackTop
    public var rax: UInt64 = 0
    public var rbx: UInt64 = 0
    public var rsi: UInt64 = 0
    public var cr3: UInt64
    public var gdtBase: UInt64 = LowMemory.gdt
    public var gdtLimit: UInt16 = 0x27

    init(mode: Mode, rip: UInt64) {
        self.mode = mode
        self.rip = rip
        cr3 = mode == .long64 ? LowMemory.pageTables : 0
    }
}
