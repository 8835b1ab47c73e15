/// The I/O ports of the platform and the values with a meaning there.
public enum PortNumber {
    /// First of the UART's eight registers.
    public static let uart: UInt16 = 0x3F8
    /// Keyboard controller: command and status.
    public static let keyboard: UInt16 = 0x64
    /// The keyboard controller's command that pulses the reset line.
    public static let keyboardReset: UInt8 = 0xFE
    /// The chipsets' reset control register.
    public static let reset: UInt16 = 0xCF9
    /// The panic device (QEMU's docs/specs/pvpanic): a read tells which events the guest may report, a write reports.
    public static let panic: UInt16 = 0x505
    /// The event of a guest that has crashed and goes no further; the only one that is offered.
    public static let panicked: UInt8 = 1 << 0
    /// The watchdog's two registers: run and kick, and the seconds between kicks.
    public static let watchdog: UInt16 = 0x508
    /// SLP_TYP of `\_S5`.
    public static let powerOffSleepType: UInt8 = 5
}
