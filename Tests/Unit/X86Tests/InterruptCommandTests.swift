import Testing
import X86

/// The x2APIC's command register: AMD64 APM volume 2, section 16.12; Intel SDM volume 3, figure 11-28.
@Suite struct InterruptCommandTests {
    private func command(
        vector: UInt64 = 0x41, mode: UInt64 = 0, logical: Bool = false, shorthand: UInt64 = 0,
        to destination: UInt64 = 0
    ) -> InterruptCommand {
        InterruptCommand(
            rawValue: destination << 32 | shorthand << 18 | 1 << 14 | (logical ? 1 << 11 : 0) | mode << 8 | vector)
    }

    /// Who among ids 0 to 63 is reached.
    private func reached(_ command: InterruptCommand, from own: UInt32) -> [UInt32] {
        (0..<64).filter { command.reaches($0, from: own) }
    }

    @Test(
        arguments: [
            (0, .fixed), (1, .lowestPriority), (2, .smi), (3, .reserved), (4, .nmi), (5, .initSignal), (6, .startUp),
            (7, .external),
        ] as [(UInt64, InterruptCommand.DeliveryMode)])
    func modes(bits: UInt64, mode: InterruptCommand.DeliveryMode) {
        #expect(command(mode: bits).mode == mode)
        // No other bit has a say.
        #expect(InterruptCommand(rawValue: ~(7 << 8) | bits << 8).mode == mode)
        #expect(InterruptCommand(rawValue: bits << 8).mode == mode)
    }

    @Test func fields() {
        let value = InterruptCommand(rawValue: 0x1234_5678_000C_0000 | 1 << 11 | 0xE7)
        #expect(value.vector == 0xE7)
        #expect(value.isLogical)
        #expect(value.shorthand == 3)
        #expect(value.destination == 0x1234_5678)
        #expect(!InterruptCommand(rawValue: ~(1 << 11)).isLogical)
        #expect(InterruptCommand(rawValue: ~0xC_0000).shorthand == 0)
    }

    @Test func reservedBits() {
        let reserved: Set<UInt64> = [13, 16, 17, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31]
        for bit in 0..<64 as Range<UInt64> {
            #expect(InterruptCommand(rawValue: 1 << bit).hasReservedBits == reserved.contains(bit), "bit \(bit)")
        }
        #expect(!command(mode: 7, logical: true, shorthand: 3, to: 0xFFFF_FFFF).hasReservedBits)
    }

    @Test func anINITWithLevelZeroAndLevelTriggerIsADeassert() {
        #expect(InterruptCommand(rawValue: 0x8500).isDeassert)
        #expect(!InterruptCommand(rawValue: 0xC500).isDeassert, "level one asserts")
        #expect(!InterruptCommand(rawValue: 0x4500).isDeassert)
        #expect(!InterruptCommand(rawValue: 0x0500).isDeassert, "an edge has no level")
        #expect(!InterruptCommand(rawValue: 0x8400).isDeassert, "only INIT has one")
        #expect(!InterruptCommand(rawValue: 0x8041).isDeassert)
    }

    @Test(arguments: [0, 1, 17, 63] as [UInt32]) func shorthands(own: UInt32) {
        // A shorthand overrides destination and mode.
        for (logical, destination) in [(false, 5), (true, 0x1_0004), (false, 0xFFFF_FFFF)] as [(Bool, UInt64)] {
            func with(_ shorthand: UInt64) -> [UInt32] {
                reached(command(logical: logical, shorthand: shorthand, to: destination), from: own)
            }
            #expect(with(1) == [own])
            #expect(with(2) == Array(0..<64))
            #expect(with(3) == (0..<64).filter { $0 != own })
        }
    }

    @Test func physicalDestinations() {
        for id in 0..<64 as Range<UInt32> { #expect(reached(command(to: UInt64(id)), from: 9) == [id]) }
        #expect(reached(command(to: 64), from: 0) == [])
        #expect(reached(command(to: 0x8000_0001), from: 1) == [], "all 32 bits count")
        #expect(reached(command(to: 0xFF), from: 0) == [], "the broadcast of xAPIC is an id like others here")
        #expect(command(to: 0xFF).reaches(0xFF, from: 0))
        #expect(reached(command(to: 0xFFFF_FFFF), from: 3) == Array(0..<64))
    }

    @Test func logicalDestinations() {
        func logical(_ destination: UInt64) -> [UInt32] { reached(command(logical: true, to: destination), from: 0) }
        #expect(logical(0x0000_0001) == [0])
        #expect(logical(0x0000_8000) == [15])
        #expect(logical(0x0000_0015) == [0, 2, 4])
        #expect(logical(0x0001_0001) == [16])
        #expect(logical(0x0002_8002) == [33, 47])
        #expect(logical(0x0003_FFFF) == Array(48..<64))
        #expect(logical(0x0000_0000) == [])
        #expect(logical(0x0001_0000) == [], "a cluster without members")
        #expect(logical(0x0004_0001) == [], "a cluster that these ids are not in")
        #expect(logical(0xFFFF_FFFF) == Array(0..<64))
    }

    /// An id in x2APIC mode has one logical id: cluster in bits 31:16, member in 15:0 (SDM section 11.12.10.2).
    @Test func everyLogicalIDReachesItsOwnerAlone() {
        for id in 0..<64 as Range<UInt64> {
            var logicalID = id / 16 * 0x1_0000 + 1
            for _ in 0..<id % 16 { logicalID += logicalID & 0xFFFF }
            #expect(reached(command(logical: true, to: logicalID), from: 0) == [UInt32(id)])
        }
    }

    /// What goes to the silicon is built, not copied: a fixed, edge-triggered interrupt for one core, whatever else the
    /// guest wrote. A level-triggered one would have its end broadcast to the machine's I/O APICs.
    @Test func directedCommandsCarryAVectorAndNothingElse() {
        #expect(command(vector: 0x41).directed(to: 3) == 0x0000_0003_0000_4041)
        for raw in [0, .max, 0x8000, 0x0100, 0x0800, 0x000C_0000, 0x1000, 0xFFFF_FFFF_0000_0000] as [UInt64] {
            let vector = raw & 0xFF
            #expect(InterruptCommand(rawValue: raw).directed(to: 0xFFFE) == 0x0000_FFFE_0000_4000 | vector)
        }
    }

    @Test func directedCommandsReachTheOneCore() {
        for id in [0, 1, 31, 63] as [UInt32] {
            let directed = InterruptCommand(rawValue: command(logical: true, shorthand: 2).directed(to: id))
            #expect(reached(directed, from: 7) == [id])
            #expect(directed.mode == .fixed)
            #expect(!directed.hasReservedBits)
        }
    }
}
