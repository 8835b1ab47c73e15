/// Values with a meaning at the I/O ports of the platform (`PortPolicy`); what ACPI tables tell of the ports is the loader's.
public enum PortNumber {
    /// The keyboard controller's command that pulses the reset line.
    public static let keyboardReset: UInt8 = 0xFE
    /// The event of a guest that has crashed and goes no further; the only one that the panic device (QEMU's
    /// docs/specs/pvpanic) offers.
    public static let panicked: UInt8 = 1 << 0
    /// SLP_TYP of `\_S5`.
    public static let powerOffSleepType: UInt8 = 5
}
