import Remapping
import Testing
import UnitSupport

/// What firmware may do to a VT-d unit before, between and after what we do, on a model of the registers by the manual. No
/// emulator checks these rules.
@Suite struct VTDStateTests {
    private let frames = Frames(8)
    private var memory: RemappingMemory {
        var memory = RemappingMemory()
        (memory.deviceTable, memory.interruptTable) = (frames.base + 0x1000, frames.base + 0x2000)
        (memory.interruptEntries, memory.features.extendedInterrupts) = (256, true)
        return memory
    }
    private var interruptTable: UInt64 { frames.base + 0x2000 | 1 << 11 | 7 }
    private static let all = VTDModel.translation | VTDModel.queue | VTDModel.remapping

    private func unit(_ model: VTDModel) -> VTD<VTDModel> {
        var unit = RemappingUnitDescription()
        (unit.buffers, unit.saved) = (frames.base, frames.base + 0x3000)
        return VTD(unit, model, memory)
    }

    /// Firmware that has these on, with tables and a queue of its own, some of which is done.
    private func firmware(_ bits: [UInt64], root: UInt64 = 0, compatibility: Bool = false) -> VTDModel {
        let model = VTDModel()
        let queue = unsafe UnsafeMutablePointer<UInt64>(bitPattern: UInt(frames.base + 0x4000)).unsafelyUnwrapped
        for (i, descriptor) in [0x11, 0x12, 0x4, 0x15].enumerated() { unsafe queue[i * 2] = UInt64(descriptor) }
        model.write64(0x20, frames.base + 0x5000 | root)
        model.write64(0x18, VTDModel.setRoot)
        model.write64(0xB8, frames.base + 0x6000 | 7)
        model.write64(0x18, VTDModel.setInterrupts)
        model.write64(0x90, frames.base + 0x4000)
        model.write64(0x18, VTDModel.queue)
        model.write64(0x88, 0x40)
        var on = VTDModel.queue
        for bit in [VTDModel.translation, VTDModel.remapping] where bits.contains(bit) {
            on |= bit
            model.write64(0x18, on)
        }
        if !bits.contains(VTDModel.queue) { model.write64(0x18, on & ~VTDModel.queue) }
        return model
    }

    private func expectOurs(_ model: VTDModel) {
        #expect(model.status & 0xFF80_0000 == Self.all | VTDModel.setRoot | VTDModel.setInterrupts)
        #expect(model.root == frames.base + 0x1000 && model.interrupts == interruptTable)
        #expect(model.violations.isEmpty, "\(model.violations)")
    }

    private static let whatFirmwareHas: [[UInt64]] = [
        [], [VTDModel.queue], [VTDModel.translation], [VTDModel.translation, VTDModel.queue],
        [VTDModel.translation, VTDModel.queue, VTDModel.remapping],
    ]

    @Test(arguments: whatFirmwareHas) func whateverFirmwareHasOnEndsUnderOurTables(_ bits: [UInt64]) throws {
        let model = firmware(bits)
        #expect(model.violations.isEmpty, "\(model.violations)")
        try unit(model).enable()
        expectOurs(model)
        #expect(model.openings == 0, "nothing passes meanwhile")
    }

    /// Scalable mode (01b) and abort-DMA mode (11b).
    @Test(arguments: [0x400, 0xC00] as [UInt64]) func anotherKindOfTableChangesWithTranslationOff(_ kind: UInt64) throws
    {
        let model = firmware([VTDModel.translation], root: kind)
        try unit(model).enable()
        expectOurs(model)
        #expect(model.openings == 1)
    }

    /// EDK2's DisableDmar as it is and as it was: translation off, a root table of zeros, interrupt remapping and the
    /// queue off. Then tables of its own, still on, and one that is only in the registers.
    static let lastActs: [(words: String, act: @Sendable (VTDModel) -> Void)] = [
        ("nothing", { _ in }),
        ("translation off", { $0.write64(0x18, $0.status & (all ^ VTDModel.translation)) }),
        (
            "remapping, queue, translation off",
            {
                for bit in [VTDModel.remapping, VTDModel.queue, VTDModel.translation] {
                    $0.write64(0x18, $0.status & all & ~bit)
                }
                $0.write64(0x20, 0)
                $0.write64(0x18, VTDModel.setRoot)
            }
        ),
        (
            "another root table",
            {
                $0.write64(0x20, 0x1234_5000)
                $0.write64(0x18, $0.status & all | VTDModel.setRoot)
            }
        ),
        ("another address in the register", { $0.write64(0x20, 0x1234_5000) }),
        (
            "another interrupt table of narrow entries",
            {
                $0.write64(0x18, $0.status & (all ^ VTDModel.remapping))
                $0.write64(0xB8, 0x1234_5007)
                $0.write64(0x18, $0.status & all | VTDModel.setInterrupts)
                $0.write64(0x18, $0.status & all | VTDModel.remapping)
            }
        ),
        ("interrupts in compatibility format", { $0.write64(0x18, $0.status & all | VTDModel.compatibility) }),
        (
            "another queue",
            {
                $0.write64(0x18, $0.status & (all ^ VTDModel.queue))
                $0.write64(0x88, 0)
                $0.write64(0x90, 0x1234_5000)
                $0.write64(0x18, $0.status & all | VTDModel.queue)
            }
        ),
        ("queue off", { $0.write64(0x18, $0.status & (all ^ VTDModel.queue)) }),
    ]

    @Test(arguments: lastActs.indices) func whatFirmwareDidLastIsUndone(_ index: Int) throws {
        let model = VTDModel()
        try unit(model).enable()
        try unit(model).verify()
        Self.lastActs[index].act(model)
        let openings = model.openings
        // Firmware's own are not ours.
        model.violations = []
        if index > 0 {
            #expect(throws: RemappingError.self, "\(Self.lastActs[index].words)") { try unit(model).verify() }
        }
        try unit(model).enable()
        expectOurs(model)
        try unit(model).verify()
        #expect(model.openings == openings, "what is on stays on")
    }

    @Test func whatIsNotAsItWasIsNamed() throws {
        let model = VTDModel()
        func found(_ act: (VTDModel) -> Void) throws -> RemappingError? {
            try unit(model).enable()
            act(model)
            do throws(RemappingError) { try unit(model).verify() } catch { return error }
            return nil
        }
        #expect(try found { _ in } == nil)
        for (bit, step) in [
            (VTDModel.translation, RemappingError.Step.translation), (VTDModel.remapping, .interruptRemapping),
            (VTDModel.queue, .queue),
        ] {
            #expect(try found { $0.write64(0x18, $0.status & (Self.all ^ bit)) } == .changed(step))
        }
        #expect(
            try found { $0.write64(0x18, $0.status & Self.all | VTDModel.compatibility) }
                == .changed(.interruptRemapping))
        #expect(try found { $0.write64(0x20, 0x1000) } == .changed(.rootTable))
        #expect(try found { $0.write64(0xB8, 0x1000) } == .changed(.interruptTable))
        let words = Set(
            [.rootTable, .interruptTable, .queue, .translation, .interruptRemapping, .control].map {
                (step: RemappingError.Step) in
                "\(step.rawValue.text)"
            })
        #expect(words.count == 6)
    }

    /// Hardware that says yes and does not.
    @Test func aUnitThatDoesNotKeepWhatItIsToldIsRefused() {
        final class Forgetful: RegisterFile {
            let model = VTDModel()
            func read64(_ offset: Int) -> UInt64 { offset == 0x20 ? 0 : model.read64(offset) }
            func read32(_ offset: Int) -> UInt32 { model.read32(offset) }
            func write32(_ offset: Int, _ value: UInt32) { model.write32(offset, value) }
            func write64(_ offset: Int, _ value: UInt64) { model.write64(offset, value) }
            func writeBack(_ address: UInt64, _ bytes: UInt64) {}
        }
        var unit = RemappingUnitDescription()
        unit.buffers = frames.base
        #expect(throws: RemappingError.changed(.rootTable)) { try VTD(unit, Forgetful(), memory).enable() }
    }

    /// A unit without interrupt remapping, or one whose interrupts cannot be held: DMA alone stands under the tables.
    @Test(arguments: [0x13, 0x1B] as [UInt64]) func withoutInterruptsDMAIsHeldAlone(_ extended: UInt64) throws {
        let model = extended == 0x1B ? firmware([VTDModel.translation, VTDModel.remapping]) : VTDModel()
        model.extended = extended
        var memory = memory
        memory.features.remapsInterrupts = false
        var unit = RemappingUnitDescription()
        (unit.buffers, unit.saved) = (frames.base, frames.base + 0x3000)
        let held = VTD(unit, model, memory)
        held.save()
        let before = model.status
        try held.enable()
        try held.enable()
        #expect(model.isOn(VTDModel.translation) && !model.isOn(VTDModel.remapping))
        #expect(model.root == frames.base + 0x1000 && model.openings == 0)
        try held.verify()
        try held.restore()
        #expect(model.status == before | VTDModel.setRoot)
        #expect(model.violations.isEmpty, "\(model.violations)")
    }

    /// A machine was refused before this unit's turn came: its queue's commands are firmware's, and so is all else.
    @Test(arguments: whatFirmwareHas) func whatWasNotReachedIsLeftAlone(_ bits: [UInt64]) throws {
        let model = firmware(bits)
        unit(model).save()
        let writes = model.writes
        try unit(model).restore()
        #expect(model.writes == writes)
    }

    /// A unit that stops answering in the middle is brought back as far as it goes, never by firmware's queue.
    @Test(arguments: whatFirmwareHas) func whatWasReachedHalfIsBroughtBack(_ bits: [UInt64]) throws {
        let model = firmware(bits)
        let before = model.status
        unit(model).save()
        model.ignored = VTDModel.setInterrupts
        #expect(throws: RemappingError.noAnswer(.interruptTable)) { try unit(model).enable() }
        model.ignored = 0
        try unit(model).restore()
        #expect(model.status == before && model.root == frames.base + 0x5000)
        #expect(model.interrupts == frames.base + 0x6000 | 7)
        #expect(model.violations.isEmpty, "\(model.violations)")
    }

    @Test(arguments: whatFirmwareHas) func aRefusalLeavesWhatFirmwareHad(_ bits: [UInt64]) throws {
        for root in [0, 0x400] as [UInt64] {
            let model = firmware(bits, root: root)
            model.write32(0x64, 1 << 31)
            let before = model.status
            unit(model).save()
            try unit(model).enable()
            #expect(model.read32(0x64) == 0, "protected memory is released")
            try unit(model).restore()
            #expect(model.status == before)
            #expect(model.root == frames.base + 0x5000 | root && model.interrupts == frames.base + 0x6000 | 7)
            #expect(model.read64(0x90) == frames.base + 0x4000 && model.read64(0x88) == 0x40)
            #expect(model.read64(0x20) == model.root && model.read64(0xB8) == model.interrupts)
            #expect(model.read32(0x64) == 1 << 31 | 1)
            #expect(model.violations.isEmpty, "\(model.violations)")
            // Firmware goes on where it was.
            guard bits.contains(VTDModel.queue) else { continue }
            let queue = unsafe UnsafeMutablePointer<UInt64>(bitPattern: UInt(frames.base + 0x4040)).unsafelyUnwrapped
            unsafe queue[0] = 0x15
            model.write64(0x88, 0x50)
            #expect(model.read64(0x80) == 0x50 && model.read64(0x34) == 0)
        }
    }
}
