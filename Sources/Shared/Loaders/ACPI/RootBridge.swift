import Platform

extension AMLBuilder {
    /// The root bridge of bus 0, with windows for BARs and for ports, and the device that reserves its configuration
    /// space (PCI Firmware 3.3, section 4.1.2).
    ///
    /// There is no `_PRT`, because no function has an interrupt pin, and no `_OSC`, without which an operating system leaves
    /// hot plug, PME and error reporting alone.
    mutating func rootBridge(memorySize: UInt64) {
        let bridge = begin(0x82, extended: true)
        text("PCI0")
        name("_HID")
        eisaID((0x50, 0x4E, 0x50), 0x0A08)
        name("_CID")
        eisaID((0x50, 0x4E, 0x50), 0x0A03)
        name("_BBN")
        integer(0)
        name("_CRS")
        let hasHigh = GuestWindows.hasHigh(memorySize)
        let resources = begin(0x11)
        integer(16 + 16 + 26 + (hasHigh ? 46 : 0) + 2)
        // Word address space (ACPI 6.5, 6.4.3.5.3): bus numbers 0 to 0.
        addressSpace(0x88, length: 13, type: 2, flags: 0)
        word(0)
        word(0)
        word(0)
        word(0)
        word(1)
        // The same: ports, of the entire range.
        addressSpace(0x88, length: 13, type: 1, flags: 3)
        word(0)
        word(GuestWindows.ports)
        word(GuestWindows.ports + GuestWindows.portCount - 1)
        word(0)
        word(GuestWindows.portCount)
        // Double and quad word address spaces (6.4.3.5.2, 6.4.3.5.1): memory.
        addressSpace(0x87, length: 23, type: 0, flags: 1)
        double(0)
        double(UInt32(GuestWindows.low))
        double(UInt32(GuestWindows.low + GuestWindows.lowSize - 1))
        double(0)
        double(UInt32(GuestWindows.lowSize))
        if hasHigh {
            addressSpace(0x8A, length: 43, type: 0, flags: 1)
            quad(0)
            quad(GuestWindows.high)
            quad(GuestWindows.high + GuestWindows.highSize - 1)
            quad(0)
            quad(GuestWindows.highSize)
        }
        endTag()
        end(resources)
        end(bridge)

        let reserved = begin(0x82, extended: true)
        text("ECAM")
        name("_HID")
        eisaID((0x50, 0x4E, 0x50), 0x0C02)
        name("_CRS")
        fixedMemory(UInt32(GuestWindows.ecam), UInt32(GuestWindows.ecamSize))
        end(reserved)
    }

    /// `ResourceTemplate () {Memory32Fixed (ReadWrite, base, size)}` (6.4.3.4).
    mutating func fixedMemory(_ base: UInt32, _ size: UInt32) {
        let range = begin(0x11)
        integer(14)
        byte(0x86)
        word(9)
        byte(1)
        double(base)
        double(size)
        endTag()
        end(range)
    }

    /// The beginning of an address space descriptor of something that the device passes on, both ends fixed.
    private mutating func addressSpace(_ tag: UInt8, length: UInt16, type: UInt8, flags: UInt8) {
        byte(tag)
        word(length)
        byte(type)
        byte(0x0C)
        byte(flags)
    }

    /// With a checksum of 0, which means "none" (6.4.2.9).
    mutating func endTag() {
        byte(0x79)
        byte(0)
    }
}

extension GuestWindows {
    /// Ports that the root bridge passes on.
    fileprivate static let portCount: UInt16 = 0x400
}
