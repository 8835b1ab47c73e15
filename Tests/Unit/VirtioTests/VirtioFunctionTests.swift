import Platform
import Testing

@testable import Virtio

@Suite struct VirtioFunctionTests {
    let console: TestConsole
    init() throws { console = try TestConsole() }

    @Test func itsConfigurationSpaceLeadsADriverToItsRegisters() {
        #expect(console.configuration(0) == 0x1043_1AF4)
        #expect(console.configuration(8) == 0x0780_0001)
        #expect(console.configuration(0xC) == 0)
        #expect(console.configuration(0x10) == 0xC001)
        let page = console.configuration(0x14)
        #expect(page == 0xC000_0000 && console.traps(UInt64(page) + 0xFFF) && !console.traps(UInt64(page) + 0x1000))
        var found: [UInt32: (bar: UInt32, offset: UInt32, length: UInt32)] = [:]
        var next = Int(console.configuration(0x34)), kinds: [UInt32] = []
        #expect(console.configuration(4) >> 20 & 1 == 1)
        while next != 0, kinds.count < 8 {
            let header = console.configuration(next)
            kinds.append(header & 0xFF)
            if header & 0xFF == 9 {
                #expect(header >> 16 & 0xFF >= 16)
                found[header >> 24] = (
                    console.configuration(next + 4) & 0xFF, console.configuration(next + 8),
                    console.configuration(next + 12)
                )
            }
            next = Int(header >> 8 & 0xFF)
        }
        #expect(kinds == [0x11, 9, 9, 9, 9])
        #expect(found.keys.sorted() == [1, 2, 3, 4])
        #expect(found[1]! == (0, 0, 64))
        #expect(found[2]! == (0, 0x60, 4) && console.configuration(0x70) == 0)
        #expect(found[3]! == (0, 0x40, 4))
        #expect(found[4]! == (0, 0x50, 16))
        #expect(console.configuration(0x40) >> 16 == 7)
        #expect(console.configuration(0x44) == 1 && console.configuration(0x48) == 0x801)
    }

    @Test func itsAddressesStayAndItsSizesAreTold() {
        for (offset, size) in [(0x10, 0xFFFF_FF81), (0x14, 0xFFFF_F000)] as [(Int, UInt32)] {
            let address = console.configuration(offset)
            _ = console.configuration(offset, .max)
            #expect(console.configuration(offset) == size)
            _ = console.configuration(offset, 0x1000)
            #expect(console.configuration(offset) == address)
        }
        _ = console.configuration(0x18, .max)
        #expect(console.configuration(0x18) == 0)
    }

    @Test func featuresAreAgreedOnOnce() {
        _ = console.configuration(4, 1, size: 2)
        var offered: UInt64 = 0
        for half in 0..<2 as Range<UInt32> {
            _ = console.port(0, 4, half)
            offered |= UInt64(console.port(4, 4) ?? 0) << UInt64(32 * half)
        }
        _ = console.port(0, 4, 2)
        #expect(offered == TestConsole.features && console.port(4, 4) == 0)
        // Without VERSION_1, or with what was not offered, the bit does not stay.
        for refused in [0, 1 << 29, 1 << 32 | 1 << 28, 1 << 32 | 1 << 34] as [UInt64] {
            console.start(refused)
            #expect(console.status() == 7 && !console.isLive)
        }
        console.start()
        #expect(console.status() == 0xF && console.isLive)
        _ = console.port(0x08, 4, 0)
        _ = console.port(0x0C, 4, 0)
        #expect(console.port(0x0C, 4) == 1 << 29)
        // Without leave to reach memory it does nothing.
        _ = console.configuration(4, 1, size: 2)
        #expect(!console.isLive)
    }

    @Test func aResetForgetsWhatTheDriverWrote() {
        console.start()
        _ = console.port(0x14, 1, 0)
        #expect(console.status() == 0 && !console.isLive)
        for offset in stride(from: 0x18, to: 0x38, by: 4) {
            #expect(console.port(offset, 4) == (offset == 0x18 ? 0xFFFF_0080 : 0))
        }
        console.start()
        console.reset()
        #expect(console.configuration(4) & 0xFFFF == 0 && console.configuration(0x40) >> 31 == 0)
        #expect(console.port(0x14, 1) == .max)  // no ports are decoded
        #expect(console.page(0x1C) == 1)
    }

    @Test func whatAQueueIsIsBounded() {
        _ = console.configuration(4, 1, size: 2)
        for size in [0, 3, 256, 0x8000, 0xFFFF] as [UInt32] {
            _ = console.port(0x18, 2, size)
            #expect(console.port(0x18, 2) == 128)
        }
        _ = console.port(0x18, 2, 1)
        #expect(console.port(0x18, 2) == 1)
        for (offset, kept) in [(0x20, 0xFFFF_FFF0), (0x28, 0xFFFF_FFFE), (0x30, 0xFFFF_FFFC)] as [(Int, UInt32)] {
            _ = console.port(offset, 4, .max)
            _ = console.port(offset + 4, 4, .max)
            #expect(console.port(offset, 4) == kept && console.port(offset + 4, 4) == .max)
            _ = console.port(offset + 4, 4, 0)
        }
        _ = console.port(0x1A, 2, 8)
        #expect(console.port(0x1A, 2) == 0xFFFF)
        _ = console.port(0x1C, 2, 1)
        _ = console.port(0x20, 4, 0)
        _ = console.port(0x18, 2, 64)
        #expect(console.port(0x20, 4) == 0xFFFF_FFF0 && console.port(0x18, 2) == 1)
        // There are two.
        for queue in [2, 6, 0xFFFF] as [UInt32] {
            _ = console.port(0x16, 2, queue)
            _ = console.port(0x18, 2, 16)
            _ = console.port(0x20, 4, 16)
            _ = console.port(0x1C, 2, 1)
            #expect(console.port(0x18, 4) == 0 && console.port(0x20, 4) == 0 && console.port(0x1C, 4) == 0)
        }
        // Other ports and widths lead nowhere.
        #expect(console.port(0x80, 4) == nil && console.port(0x12, 4) == .max)
        _ = console.port(0x14, 4, 0x0F)
        _ = console.port(0x14, 2, 0x0F)
        #expect(console.status() == 0)
    }

    /// What an instruction of two bytes writes; the rest of the register is not its.
    @Test func aQueueIsEnabledByTheHalfThatIsWritten() {
        _ = console.configuration(4, 1, size: 2)
        _ = console.port(0x1C, 2, 0xABCD_0001)
        #expect(console.port(0x1C, 2) == 1)
    }

    /// What is said before the driver resets the device is not said after it (section 2.4.1).
    @Test func aResetLeavesNoInterrupt() {
        console.start()
        _ = console.page(0x2C, 1)
        console.send([1])
        _ = console.serve()
        #expect(console.page(0x800) == 1 << 2)
        _ = console.port(0x14, 1, 0)
        _ = console.page(0x2C, 0)
        #expect(console.page(0x800) == 0 && console.nextInterrupt() == nil)
    }

    /// Nobody is waited for on behalf of a guest that prints nothing.
    @Test func whatIsSentIsSeenBefore() {
        #expect(!console.hasOutput)
        console.start()
        #expect(!console.hasOutput)
        console.send([1])
        #expect(console.hasOutput)
        _ = console.serve()
        #expect(!console.hasOutput)
    }

    @Test func interruptsAreTheGuestsMessages() {
        console.start()
        console.send([1])
        _ = console.serve()
        #expect(console.nextInterrupt() == GuestMessage(addressLow: 0xFEE0_0000, addressHigh: 0, data: 0x41))
        #expect(console.nextInterrupt() == nil)
        // A masked one waits.
        _ = console.page(0x2C, 1)
        console.send([2])
        console.wantsInterrupt(1, at: 1)
        _ = console.serve()
        #expect(console.nextInterrupt() == nil && console.page(0x800) == 1 << 2)
        _ = console.page(0x2C, 0)
        #expect(console.nextInterrupt() != nil && console.page(0x800) == 0)
        // What makes no sense as a message is gone.
        _ = console.page(0x28, 5)
        console.send([3])
        console.wantsInterrupt(1, at: 2)
        _ = console.serve()
        #expect(console.nextInterrupt() == nil && console.page(0x800) == 0)
        // Without MSI-X there is the status register, which a read clears.
        _ = console.configuration(0x42, 0, size: 2)
        console.send([4])
        console.wantsInterrupt(1, at: 3)
        _ = console.serve()
        #expect(console.port(0x40, 1) == 1 && console.port(0x40, 1) == 0)
        #expect(console.stream.output == [1, 2, 3, 4])
    }
}
