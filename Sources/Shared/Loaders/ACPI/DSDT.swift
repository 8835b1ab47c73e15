import Platform

/// The namespace of a guest: how to power off, how to report a panic and, if they are there, the UART, the TPM and the PCI bus.
func buildDSDT(_ platform: borrowing PlatformDescription) -> AMLBuilder {
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

    let scope = aml.begin(0x10)
    aml.text("\\_SB_")
    // The name by which Linux's pvpanic-mmio driver finds it (QEMU's docs/specs/pvpanic); no EISA identifier.
    let panic = aml.begin(0x82, extended: true)
    aml.text("PEVT")
    aml.name("_HID")
    aml.string("QEMU0001")
    aml.ports(PortNumber.panic, count: 1)
    aml.end(panic)
    if platform.console {
        let uart = aml.begin(0x82, extended: true)
        aml.text("COM1")
        aml.name("_HID")
        aml.eisaID((0x50, 0x4E, 0x50), 0x0501)
        aml.name("_UID")
        aml.integer(0)
        // No interrupt: polled.
        aml.ports(PortNumber.uart, count: 8)
        aml.end(uart)
    }
    if platform.tpmMethod != 0 { aml.tpm() }
    if platform.hasBus { aml.rootBridge(memorySize: platform.memorySize) }
    aml.end(scope)
    return aml
}

extension AMLBuilder {
    /// `Name (_CRS, ResourceTemplate () {IO (Decode16, first, first, 1, count)})`.
    fileprivate mutating func ports(_ first: UInt16, count: UInt8) {
        name("_CRS")
        let buffer = begin(0x11)
        integer(10)
        // I/O port descriptor (6.4.2.5): 16-bit decode, minimum, maximum, alignment 1, number of ports.
        byte(0x47)
        byte(0x01)
        word(first)
        word(first)
        byte(1)
        byte(count)
        endTag()
        end(buffer)
    }
}
