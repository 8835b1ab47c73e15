import Remapping
import Testing
import UnitSupport

/// The order of writes to an AMD unit. Offsets are of specification 48882, section 3.4.
@Suite struct AMDViUnitTests {
    private let frames = Frames(5)
    private var memory: RemappingMemory {
        var memory = RemappingMemory()
        memory.deviceTable = frames.base + 0x4000
        memory.features.extendedInterrupts = true
        return memory
    }
    private var completion: UInt64 { frames.base + 0x2000 }

    /// Hardware that runs what its control register says, and stores what a wait names.
    private func hardware() -> FakeUnit {
        let fake = FakeUnit()
        fake.registers[0x30] = 1 << 2 | 1 << 6 | 1 << 7
        fake.react = { fake, offset, value in
            switch offset {
            case 0x18: fake.registers[0x2020] = value & 1 == 0 ? 0 : (value >> 12 & 1) << 4 | (value >> 2 & 1) << 3
            case 0x2020: fake.registers[0x2020] = 0x18
            case 0x2008 where fake.registers[0x18, default: 0] & 1 << 12 != 0: Self.run(fake)
            default: break
            }
        }
        return fake
    }

    private static func run(_ fake: FakeUnit) {
        let base = fake.registers[0x08, default: 0] & 0xF_FFFF_FFFF_F000
        var head = fake.registers[0x2000, default: 0]
        while head != fake.registers[0x2008] {
            let command = word(at: base + head)
            if command >> 60 == 1 {
                let at = command & 0xF_FFFF_FFFF_FFF8
                unsafe UnsafeMutablePointer<UInt64>(bitPattern: UInt(at))?.pointee = word(at: base + head + 8)
            }
            head = (head + 16) & 0xFFF
            fake.registers[0x2000] = head
        }
    }

    private func unit(_ fake: FakeUnit) -> AMDVi<FakeUnit> {
        var unit = RemappingUnitDescription()
        (unit.buffers, unit.flags) = (frames.base, 0b1111)
        return AMDVi(unit, fake, memory)
    }

    @Test func everythingIsInPlaceBeforeTheUnitIsOn() throws {
        let fake = hardware()
        fake.registers[0x18] = 0x1005
        try unit(fake).enable()
        let on = try #require(fake.writes.firstIndex { $0.offset == 0x18 && $0.value & 1 << 12 != 0 })
        for offset in [0x00, 0x08, 0x10, 0x20, 0x28] {
            let set = try #require(fake.place(offset))
            #expect(set < on, "\(offset)")
        }
        let off = try #require(fake.writes.firstIndex { $0.offset == 0x18 && $0.value == 0 })
        #expect(off < fake.place(0x00) ?? 0, "what firmware had on is off before tables change")
        #expect(fake.registers[0x00] == (frames.base + 0x4000) | 511, "65,536 entries")
        #expect(fake.registers[0x08] == frames.base | 8 << 56)
        #expect(fake.registers[0x10] == (frames.base + 0x1000) | 8 << 56)
        // IOMMU, tunnel, event log, posted writes, responses, coherent, isochronous, commands, 128-bit entries, x2APIC.
        #expect(fake.registers[0x18] == [0, 1, 2, 8, 9, 10, 11, 12, 17, 50].reduce(0) { $0 | 1 << $1 })
    }

    @Test func allIsInvalidatedThenWaitedFor() throws {
        let fake = hardware()
        try unit(fake).enable()
        #expect(word(at: frames.base) == 8 << 60)
        #expect(word(at: frames.base + 16) == 1 << 60 | completion | 1)
        #expect(fake.registers[0x2008] == 0x20)
        for _ in 0..<127 { try unit(fake).invalidate() }
        #expect(fake.registers[0x2008] == 0, "the buffer is a ring of 256")
    }

    @Test func hardwareThatNeverAnswersIsARefusal() throws {
        let fake = hardware()
        fake.react = { _, _, _ in }
        #expect(throws: RemappingError.noAnswer(.queue)) { try unit(fake).enable() }
        #expect(fake.reads < 1 << 20)
        // Commands that stand still.
        let stuck = hardware()
        let answers = stuck.react
        stuck.react = { fake, offset, value in if offset != 0x2008 { answers(fake, offset, value) } }
        #expect(throws: RemappingError.noAnswer(.queue)) { try unit(stuck).enable() }
        #expect(stuck.reads < 1 << 20)
        // A buffer that does not stop.
        let running = FakeUnit()
        running.registers[0x2020] = 1 << 4
        #expect(throws: RemappingError.noAnswer(.translation)) { try unit(running).enable() }
    }

    @Test func eventsAreReadInOrder() throws {
        let fake = hardware()
        let unit = unit(fake)
        try unit.enable()
        var lost: UInt64 = 0
        #expect(unit.nextFault(lost: &lost) == nil)
        let log = unsafe UnsafeMutablePointer<UInt64>(bitPattern: UInt(frames.base + 0x1000)).unsafelyUnwrapped
        // A page fault of a write by 01:02.3, a command error, an illegal table entry of 00:05.0.
        unsafe (log[0], log[1]) = (2 << 60 | 1 << 53 | 0x0113, 0x1234_5678)
        unsafe (log[2], log[3]) = (5 << 60 | 0x77, 0x10)
        unsafe (log[4], log[5]) = (1 << 60 | 0x28, 0x20)
        fake.registers[0x2018] = 0x30
        let faults = (0..<3).compactMap { _ in unit.nextFault(lost: &lost) }
        #expect(faults.map(\.requester) == [0x0113, 0, 0x28])
        #expect(faults.map(\.reason) == [2, 5, 1])
        #expect(faults.map(\.isWrite) == [true, false, false])
        #expect(faults.first?.address == 0x1234_5678)
        #expect(unit.nextFault(lost: &lost) == nil && fake.registers[0x2010] == 0x30)
        #expect(unit.features.logFrame == 1 && unit.features.registerBytes == 0x4000)
    }

    @Test func anOverflowRestartsTheLog() throws {
        let fake = hardware()
        try unit(fake).enable()
        fake.registers[0x2020] = 0x19
        fake.clearAccesses()
        var lost: UInt64 = 0
        #expect(unit(fake).nextFault(lost: &lost) == nil)
        #expect(lost == 1)
        #expect(fake.writes.map(\.offset) == [0x18, 0x2020, 0x18])
        #expect(fake.writes[0].value & 4 == 0 && fake.writes[2].value & 4 != 0)
    }
}
