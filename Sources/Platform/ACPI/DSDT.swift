/// The namespace of a guest: how to power off and, if there is one, the UART.
func buildDSDT(console: Bool) -> AMLBuilder {
    var aml = AMLBuilder()
    // Name (\_S5, Package () {5, 5, 0, 0}): the sleep type that means "off" (7.4.2).
    aml.name("\\_S5_")
    let package = aml.begin(0x12)
    aml.byte(4)
    aml.integer(PortNumber.powerOffSleepType)
    aml.integer(PortNumber.powerOffSleepType)
    aml.integer(0)
    aml.integer(0)
    aml.end(package)
    guard console else { return aml }

    let scope = aml.begin(0x10)
    aml.text("\\_SB_")
    let device = aml.begin(0x82, extended: true)
    aml.text("COM1")
    aml.name("_HID")
    aml.eisaID((0x50, 0x4E, 0x50), 0x0501)
    aml.name("_UID")
    aml.integer(0)
    aml.name("_CRS")
    let buffer = aml.begin(0x11)
    aml.integer(10)
    // I/O port descriptor (6.4.2.5): 16-bit decode, minimum, maximum, alignment 1, 8 ports. No interrupt: polled.
    aml.byte(0x47)
    aml.byte(0x01)
    aml.word(PortNumber.uart)
    aml.word(PortNumber.uart)
    aml.byte(1)
    aml.byte(8)
    // End tag with a checksum of 0, which means "none" (6.4.2.9).
    aml.byte(0x79)
    aml.byte(0)
    aml.end(buffer)
    aml.end(device)
    aml.end(scope)
    return aml
}
