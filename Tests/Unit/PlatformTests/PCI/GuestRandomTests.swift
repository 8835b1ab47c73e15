import Testing
import UnitSupport

@testable import Platform

/// Whatever a guest writes where, the device is given only what the model allows: each register by name.
@Suite struct GuestRandomTests {
    private func isAllowed(_ write: TestMachine.Write) -> Bool {
        guard write.function == TestMachine.nic else { return false }
        return switch (write.offset, write.size) {
        // Memory decoding and INTx disable on; neither I/O nor system errors.
        case (0x04, 2): write.value & ~0x44 == 0x402
        case (0x06, 2): write.value & ~0xF900 == 0
        // MSI: one message, of the partition's own.
        case (0x52, 2): write.value & ~1 == 0
        case (0x54, 4): write.value == 0xFEE0_0010 || write.value == 0xFEE0_3010
        case (0x58, 4): write.value == 0
        case (0x5C, 2): write.value >> 8 == 0 && write.value >= 16
        case (0x72, 2): write.value & ~0xC000 == 0
        // Device control: no reset, no error reports, the payload as firmware set it, read requests of that at most.
        case (0xA8, 2):
            write.value & 0x870F == 0 && write.value >> 12 & 7 <= 2 && write.value >> 5 & 7 == 1
        case (0xAA, 2): write.value & ~0xF == 0
        default: false
        }
    }

    private func isAllowed(_ write: TestMachine.RegisterWrite) -> Bool {
        let page = 0x8_0000_1000 as UInt64
        guard write.address >= page, write.address + UInt64(write.size) <= page + 0x1000 else { return false }
        let offset = write.address - page
        guard offset < 80 * 16 else { return !(0x800..<0x810).contains(offset) }
        guard offset < 64 * 16, write.size == 4 else { return false }
        return switch offset & 0xF {
        case 0: write.value == 0xFEE0_0010 || write.value == 0xFEE0_3010
        case 4: write.value == 0
        case 8: write.value >> 8 == 0 && write.value >= 16
        default: write.value <= 1
        }
    }

    /// Numbers that a guest would choose, among any.
    private func value(_ random: inout some RandomNumberGenerator) -> UInt64 {
        switch Int.random(in: 0..<6, using: &random) {
        case 0: 0
        case 1: .max
        case 2: 0xFEE0_0000 | .random(in: 0..<5, using: &random) << 12
        case 3: .random(in: 0...0xFF, using: &random)
        default: .random(in: 0...UInt64.max, using: &random)
        }
    }

    /// Every double word once, then at random; configuration space by memory and by ports, and the table's page.
    @Test(arguments: [0, 2]) func onlyTheAllowListReachesTheDevice(virtualFunctions: Int) throws {
        let machine = TestMachine()
        let bus = try TestBus.withCard(on: machine, virtualFunctions: virtualFunctions)
        var random = Numbers(state: 0x9E37_79B9_7F4A_7C15 &+ UInt64(virtualFunctions))
        for offset in stride(from: 0, to: 4096, by: 4) {
            for value in [UInt32.max, 0, 0xFEE0_3000] { bus.write(1, offset, 4, value) }
        }
        for _ in 0..<200_000 {
            let size = 1 << Int.random(in: 0..<4, using: &random)
            let value = value(&random)
            let isWrite = Int.random(in: 0..<4, using: &random) > 0
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                // Mostly where the capabilities are.
                let offset = UInt64.random(in: 0..<0x180, using: &random)
                _ = bus.memory(GuestWindows.ecam + 0x8000 + offset, size, write: isWrite ? value : nil)
            case 1:
                let offset = UInt64.random(in: 0..<GuestWindows.ecamSize, using: &random)
                _ = bus.memory(GuestWindows.ecam + offset, size, write: isWrite ? value : nil)
            case 2:
                let offset = UInt64.random(in: 0..<0x1000, using: &random)
                _ = bus.memory(0xC002_1000 + offset, size, write: isWrite ? value : nil)
            default:
                let address = 0x8000_0800 | UInt32.random(in: 0...0xFF, using: &random)
                _ = bus.port(PortAccess(port: 0xCF8, size: 4, input: false), address)
                let port = UInt16.random(in: 0xCFC...0xCFF, using: &random)
                let access = PortAccess(port: port, size: min(size, 4), input: !isWrite)
                _ = bus.port(access, UInt32(truncatingIfNeeded: value))
            }
            // An invariant of each moment: a message that is on is one of the partition's.
            for write in machine.writes { #expect(isAllowed(write), "\(write)") }
            for write in machine.registerWrites { #expect(isAllowed(write), "\(write)") }
            machine.forgetWrites()
        }
        // Identifiers and BARs have stayed.
        #expect(bus.read(1, 0) == 0x10C9_8086)
        bus.write(1, 0x10, 4, 0)
        #expect(bus.read(1, 0x10) == 0xC000_0000)
    }

    /// Capability lists made of noise.
    @Test func noiseAsConfigurationSpace() throws {
        var random = Numbers(state: 7)
        for _ in 0..<2000 {
            let machine = TestMachine()
            var card = TestMachine.card(on: machine)
            for _ in 0..<200 {
                let offset = Int.random(in: 0x40..<0x100, using: &random)
                machine.space[TestMachine.nic]?[offset] = .random(in: 0...255, using: &random)
            }
            card.msix.tableOffset = .random(in: 0...0x8000, using: &random)
            card.msix.entries = .random(in: -1...3000, using: &random)
            let bus = TestBus(on: machine)
            try bus.append(card)
            bus.reset()
            for write in machine.registerWrites {
                #expect(write.address >= 0x8_0000_0000 && write.address + 4 <= 0x8_0000_4000)
            }
            for offset in stride(from: 0, to: 256, by: 4) {
                _ = bus.read(1, offset)
                bus.write(1, offset, 4, .max)
            }
        }
    }
}

/// SplitMix64: the same numbers on every run.
private struct Numbers: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
