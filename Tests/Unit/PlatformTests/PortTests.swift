import Testing
import UnitSupport

@testable import Platform

@Suite struct PortTests {
    private var devices = LegacyDevices(description())

    private mutating func input(_ port: UInt16, size: Int = 1) -> UInt32 {
        devices.access(PortAccess(port: port, size: size, input: true), value: 0xAAAA_AAAA, tsc: 1000).value
    }

    private mutating func output(_ port: UInt16, _ value: UInt32, size: Int = 1) -> DeviceEvent {
        devices.access(PortAccess(port: port, size: size, input: false), value: value, tsc: 1000).event
    }

    /// As VMX tells them, whatever is in the bits beside.
    @Test func exitQualifications() {
        for port in [0x3FD, 0x80, 0xCFC, 0xFFFF] as [UInt16] {
            for (raw, size) in [(0, 1), (1, 2), (3, 4)] as [(UInt64, Int)] {
                for (isInput, isString) in [(false, false), (true, false), (false, true), (true, true)] {
                    let word = raw | (isInput ? 1 << 3 : 0) | (isString ? 1 << 4 : 0) | UInt64(port) << 16
                    let access = PortAccess(port: port, size: size, input: isInput, string: isString)
                    for beside in [0, 0x60, 0xFFFF_FFFF_0000_FFE0] as [UInt64] {
                        #expect(PortAccess(qualification: word | beside) == access)
                    }
                }
            }
        }
    }

    /// Every port of the machine: those of the table and no other answer.
    @Test mutating func allOtherPortsAreAnEmptyBus() {
        var platform = description()
        platform.watchdog = 60
        devices = LegacyDevices(platform)
        let granted = Set<UInt16>([0x64, 0x70, 0x71, 0x505, 0x508, 0x509, 0x604, 0x605, 0xCF9]).union(0x3F8...0x3FF)
        for port in UInt16.min...UInt16.max {
            #expect((PortPolicy.device(at: port, size: 1) != nil) == granted.contains(port))
            for size in [1, 2, 4] where PortPolicy.isVacant(PortAccess(port: port, size: size, input: true)) {
                #expect((0..<UInt16(size)).allSatisfy { !granted.contains(port &+ $0) })
            }
            // Where virtio functions may be.
            if 0xC000...0xC0FF ~= port { #expect(!PortPolicy.isVacant(PortAccess(port: port, size: 1, input: true))) }
            guard !granted.contains(port) else { continue }
            let values = [input(port), input(port, size: 2) >> 8, input(port, size: 4) >> 24]
            // The last bytes of an access just below a device are that device's.
            if !granted.contains(port &+ 1), !granted.contains(port &+ 3) { #expect(values == [0xFF, 0xFF, 0xFF]) }
            #expect(output(port, 0xFFFF_FFFF, size: 1) == .none)
        }
    }

    @Test mutating func withoutAConsoleThereIsNoUART() {
        devices = LegacyDevices(description(console: false))
        for port in 0x3F8...0x3FF as ClosedRange<UInt16> { #expect(input(port) == 0xFF) }
        #expect(output(0x3F8, 0x41) == .none)
        #expect(devices.receive(0x41) == false)
    }

    @Test mutating func reset() {
        #expect(output(0x64, 0xFE) == .reset)
        #expect(output(0x64, 0xF0) == .reset)
        #expect(output(0x64, 0xFF) == .none)
        #expect(output(0x64, 0xD1) == .none)
        #expect(input(0x64) == 0)
        #expect(output(0xCF9, 0x02) == .none)
        #expect(output(0xCF9, 0x06) == .reset)
        #expect(output(0xCF9, 0x0E) == .reset)
        #expect(input(0xCF9) == 0)
    }

    @Test mutating func powerOff() {
        #expect(output(0x604, 5 << 2) == .none)
        #expect(output(0x604, 1 << 5) == .none)
        #expect(output(0x604, 3 << 2 | 1 << 5) == .none)
        #expect(output(0x605, 5 << 2 | 1 << 5) == .none)
        #expect(output(0x604, 5 << 2 | 1 << 5) == .powerOff)
        #expect(input(0x605) == 0)
    }

    /// Only the event that is offered is one.
    @Test mutating func panic() {
        #expect(input(0x505) == 1)
        #expect(output(0x505, 0) == .none)
        #expect(output(0x505, 1 << 1) == .none)
        #expect(output(0x505, 0xFE) == .none)
        #expect(output(0x505, 1) == .panic)
        #expect(output(0x505, 3) == .panic)
    }

    /// PCI's CONFIG_ADDRESS register overlaps the reset register's port, but only for accesses of 4 bytes.
    @Test mutating func wideAccessesDoNotReachByteDevices() {
        #expect(output(0xCF8, 0x8000_0600, size: 4) == .none)
        #expect(output(0xCF9, 0x0606, size: 2) == .none)
        #expect(input(0xCF8, size: 4) == 0xFFFF_FFFF)
        #expect(output(0x604, 0x3434, size: 2) == .none)
        #expect(output(0x63, 0xFEFE, size: 2) == .none)
        #expect(output(0x505, 0x0101, size: 2) == .none)
        #expect(output(0x504, 0x0101, size: 2) == .none)
        #expect(input(0x505, size: 2) == 0xFFFF)
    }

    @Test mutating func wideAccessesAreSplitOnTheISABus() {
        // Index and data in one go.
        #expect(output(0x70, 0x060B, size: 2) == .none)
        #expect(input(0x71) == 0x06)
        #expect(output(0x3FF, 0x55) == .none)
        #expect(input(0x3FE, size: 2) == 0x55B0)
        #expect(output(0x3F8, 0x42, size: 2) == .transmit(0x42))
        #expect(input(0xFFFF, size: 4) == 0xFFFF_FFFF)
    }

    @Test mutating func consoleBytesPass() {
        #expect(output(0x3F8, 0x141) == .transmit(0x41))
        #expect(devices.receive(0x7A) == true)
        #expect(input(0x3FD) == 0x61)
        #expect(input(0x3F8) == 0x7A)
        #expect(input(0x3FD) == 0x60)
    }
}
