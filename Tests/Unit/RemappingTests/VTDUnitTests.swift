import Remapping
import Testing
import UnitSupport

/// The order of writes to a VT-d unit. Offsets are of the VT-d specification, section 11.4.
@Suite struct VTDUnitTests {
    private let frames = Frames(4)
    private var memory: RemappingMemory {
        var memory = RemappingMemory()
        (memory.deviceTable, memory.interruptTable) = (frames.base + 0x1000, frames.base + 0x2000)
        memory.interruptEntries = 256
        memory.features.extendedInterrupts = true
        return memory
    }

    /// Hardware that does at once what it is told: global status follows commands, the queue completes its wait.
    private func hardware() -> FakeUnit {
        let fake = FakeUnit()
        fake.registers[0x08] = 0x0000_000C_2200_0406 | 38 << 16  // four levels, 2 MiB and 1 GiB pages, faults at 220h
        fake.registers[0x10] = 0x1B
        fake.react = { fake, offset, value in
            switch offset {
            case 0x18: fake.registers[0x1C] = value & ~(1 << 27)
            case 0x88: fake.registers[0x9C] = 1
            case 0x34, 0x9C: fake.registers[offset] = 0  // cleared by writing ones
            default: break
            }
        }
        return fake
    }

    private func unit(_ fake: FakeUnit, _ memory: RemappingMemory? = nil) -> VTD<FakeUnit> {
        var unit = RemappingUnitDescription()
        unit.buffers = frames.base
        return VTD(unit, fake, memory ?? self.memory)
    }

    @Test func everythingIsInPlaceBeforeTranslationIsOn() throws {
        let fake = hardware()
        try unit(fake).enable()
        let commands = fake.writes.filter { $0.offset == 0x18 }.map(\.value)
        // Root table, interrupt table, queue, then translation, then interrupt remapping; never compatibility format.
        #expect(commands.map { $0 >> 24 } == [0x40, 0x01, 0x04, 0x84, 0x86])
        #expect(commands.allSatisfy { $0 & 1 << 23 == 0 })
        #expect(fake.registers[0x20] == frames.base + 0x1000)
        #expect(fake.registers[0xB8] == (frames.base + 0x2000) | 1 << 11 | 7)
        #expect(fake.registers[0x90] == frames.base)
        let on = try #require(fake.writes.lastIndex { $0.offset == 0x18 && $0.value >> 24 == 0x84 })
        let invalidated = try #require(fake.writes.lastIndex { $0.offset == 0x88 && $0.value != 0 })
        #expect(invalidated < on, "caches are empty before translation begins")
    }

    @Test func theQueueHasAllInvalidationsThenTheWait() throws {
        let fake = hardware()
        try unit(fake).enable()
        // Contexts, translations, interrupts, wait (section 6.5.2: types 1, 2, 4 and 5).
        #expect((0..<4).map { word(at: frames.base + $0 * 16) & 0xF } == [1, 2, 4, 5])
        #expect(fake.registers[0x88] == 4 << 4)
        try unit(fake).invalidate()
        #expect(fake.registers[0x88] == 8 << 4)
        for _ in 0..<62 { try unit(fake).invalidate() }
        #expect(fake.registers[0x88] == 0, "the queue is a ring of 256")
    }

    @Test func whatFirmwareLeftOnIsEndedFirst() throws {
        let fake = hardware()
        fake.registers[0x1C] = 0x8600_0000
        try unit(fake).enable()
        let commands = fake.writes.filter { $0.offset == 0x18 }.map { $0.value >> 24 }
        #expect(commands.prefix(2) == [0x82, 0x80], "queue, then interrupt remapping; translation goes on")
        #expect(commands.last == 0x86)
    }

    @Test func hardwareThatNeverAnswersIsARefusal() {
        for silent in [0x40, 0x01, 0x04, 0x84, 0x86] as [UInt64] {
            let fake = hardware()
            let answers = fake.react
            fake.react = { fake, offset, value in
                if offset == 0x18 && value >> 24 == silent { return }
                answers(fake, offset, value)
            }
            #expect(throws: RemappingError.self) { try unit(fake).enable() }
            #expect(fake.reads < 1 << 20)
        }
    }

    @Test func aQueueThatStandsStillIsARefusal() {
        let fake = hardware()
        let answers = fake.react
        fake.react = { fake, offset, value in if offset != 0x88 { answers(fake, offset, value) } }
        #expect(throws: RemappingError.noAnswer(.queue)) { try unit(fake).enable() }
        #expect(fake.reads < 1 << 21)
        // An error that the unit reports ends the wait at once.
        fake.react = { fake, offset, value in
            if offset == 0x88 && value != 0 {
                fake.registers[0x34] = 1 << 4
            } else if offset != 0x88 {
                answers(fake, offset, value)
            }
        }
        fake.registers[0x1C] = 0
        fake.clearAccesses()
        #expect(throws: RemappingError.noAnswer(.queue)) { try unit(fake).enable() }
        #expect(fake.reads < 100)
    }

    @Test func queuesAreWrittenBackForUnitsThatDoNotSnoop() throws {
        let fake = hardware()
        var memory = memory
        memory.features.isCoherent = false
        try unit(fake, memory).enable()
        #expect(fake.writtenBack == [0, 16, 32, 48].map { frames.base + $0 })
    }

    /// Sections 11.4.7.2 to 11.4.7.5: masked by bit 31 of the control, which is cleared when the message is in place.
    @Test func faultsAreReportedByTheMessageOrNotAtAll() {
        let fake = hardware()
        unit(fake).report(to: .nmi(to: 0x123))
        let message = [(0x3C, 0x400), (0x40, 0xFEE2_3000), (0x44, 0x100), (0x38, 0)] as [(Int, UInt64)]
        #expect(fake.writes == message.map { FakeUnit.Write(offset: $0.0, value: $0.1) })
        fake.clearAccesses()
        unit(fake).report(to: nil)
        #expect(fake.writes == [FakeUnit.Write(offset: 0x38, value: 1 << 31)])
    }

    @Test func faultsAreReadOnceAndCleared() {
        let fake = hardware()
        let unit = unit(fake)
        var lost: UInt64 = 0
        #expect(unit.nextFault(lost: &lost) == nil)
        // F, a read (T1), reason 6, from 01:02.3.
        fake.registers[0x34] = 2
        fake.registers[0x220] = 0x1234_5000
        fake.registers[0x228] = 1 << 63 | 1 << 62 | 6 << 32 | 0x0113
        var fault = DeviceFault()
        (fault.requester, fault.address, fault.reason) = (0x0113, 0x1234_5000, 6)
        #expect(unit.nextFault(lost: &lost) == fault)
        #expect(fake.writes.last == FakeUnit.Write(offset: 0x22C, value: 1 << 31))
        fake.registers[0x228] = 1 << 63 | 5 << 32 | 0x0113
        fault.isWrite = true
        fault.reason = 5
        #expect(unit.nextFault(lost: &lost) == fault)
        // An interrupt whose id was wrong (26h), entry 301h.
        fake.registers[0x220] = 0x301 << 48
        fake.registers[0x228] = 1 << 63 | 0x26 << 32 | 0x0113
        let interrupt = unit.nextFault(lost: &lost)
        #expect(interrupt?.isInterrupt == true && interrupt?.isWrite == false && interrupt?.address == 0x301)
        #expect(lost == 0)
        fake.registers[0x228] = 0
        fake.registers[0x34] = 1
        #expect(unit.nextFault(lost: &lost) == nil)
        #expect(lost == 1 && fake.writes.last == FakeUnit.Write(offset: 0x34, value: 1))
        // 220h is in the first page, 1220h is not.
        #expect(unit.features.registerBytes == 0x1000)
        fake.registers[0x08] = 0x122 << 24
        #expect(unit.features.registerBytes == 0x2000)
        // 16 records from F10h on end in the next page, 15 do not.
        fake.registers[0x08] = 0xF1 << 24 | 15 << 40
        #expect(unit.features.registerBytes == 0x2000)
        fake.registers[0x08] = 0xF1 << 24 | 14 << 40
        #expect(unit.features.registerBytes == 0x1000)
        // Invalidation's registers at 2FF0h.
        fake.registers[0x10] = 0x2FF << 8
        #expect(unit.features.registerBytes == 0x3000)
    }
}
