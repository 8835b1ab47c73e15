import Remapping
import Testing
import UnitSupport

/// What firmware may do to an AMD unit before, between and after what we do, on a model of the registers by the manual. No
/// emulator checks these rules.
@Suite struct AMDViStateTests {
    private let frames = Frames(12)
    private var memory: RemappingMemory {
        var memory = RemappingMemory()
        (memory.deviceTable, memory.features.extendedInterrupts) = (frames.base + 0x4000, true)
        return memory
    }
    private func unit(_ model: AMDViModel) -> AMDVi<AMDViModel> {
        var unit = RemappingUnitDescription()
        (unit.buffers, unit.saved) = (frames.base, frames.base + 0x3000)
        return AMDVi(unit, model, memory)
    }
    private static let running = AMDViModel.enable | AMDViModel.commandBuffer | AMDViModel.eventLog

    /// Firmware with a device table, a command buffer, of which two commands are done, and an event log.
    private func firmware(_ control: UInt64) -> AMDViModel {
        let model = AMDViModel()
        let commands = unsafe UnsafeMutablePointer<UInt64>(bitPattern: UInt(frames.base + 0x8000)).unsafelyUnwrapped
        unsafe (commands[0], commands[2], commands[4]) = (8 << 60, 1 << 60, 1 << 60)
        model.write64(0x00, frames.base + 0x6000)
        model.write64(0x08, frames.base + 0x8000 | 8 << 56)
        model.write64(0x10, frames.base + 0x9000 | 8 << 56)
        model.write64(0x20, 0x7000_0001)
        model.write64(0x28, 0x7FFF_F000)
        model.write64(0x2010, 0x10)
        model.write64(0x2018, 0x10)
        model.write64(0x18, control)
        model.write64(0x2008, 0x20)
        return model
    }

    private func expectOurs(_ model: AMDViModel) {
        #expect(model.read64(0x18) & Self.running == Self.running)
        #expect(model.read64(0x18) >> 50 & 1 == 1 && model.read64(0x18) >> 17 & 1 == 1)
        #expect(model.read64(0x00) == frames.base + 0x4000 | 511)
        #expect(model.read64(0x20) & 1 == 0, "no memory is excluded")
        #expect(!model.isStale)
        #expect(model.violations.isEmpty, "\(model.violations)")
    }

    static let whatFirmwareHas: [UInt64] = [0, AMDViModel.enable, running]

    @Test(arguments: whatFirmwareHas) func whateverFirmwareHasOnEndsUnderOurTable(_ control: UInt64) throws {
        let model = firmware(control)
        try unit(model).enable()
        expectOurs(model)
    }

    @Test func whatIsOnStaysOn() throws {
        let model = AMDViModel()
        try unit(model).enable()
        try unit(model).enable()
        expectOurs(model)
        #expect(model.openings == 0)
    }

    /// Each with the name that is told of it.
    static let lastActs: [(step: RemappingError.Step, act: @Sendable (AMDViModel) -> Void)] = [
        (.translation, { $0.write64(0x18, 0) }),
        (.translation, { $0.write64(0x18, $0.read64(0x18) & ~AMDViModel.enable) }),
        (.rootTable, { $0.write64(0x00, 0x1234_5000 | 511) }),
        (.rootTable, { $0.write64(0x00, $0.read64(0x00) & ~0x1FF) }),
        (.control, { $0.write64(0x18, $0.read64(0x18) & ~(1 << 17)) }),
        (.control, { $0.write64(0x18, $0.read64(0x18) & ~(1 << 50)) }),
        (.control, { $0.write64(0x18, $0.read64(0x18) | 1 << 43) }),
        (.control, { $0.write64(0x18, $0.read64(0x18) & ~AMDViModel.commandBuffer) }),
        // DevTblSegEn, HtTunEn, Coherent.
        (.control, { $0.write64(0x18, $0.read64(0x18) | 1 << 34) }),
        (.control, { $0.write64(0x18, $0.read64(0x18) ^ 1 << 1) }),
        (.control, { $0.write64(0x18, $0.read64(0x18) & ~(1 << 10)) }),
        (
            .queue,
            {
                let control = $0.read64(0x18)
                $0.write64(0x18, control & ~AMDViModel.commandBuffer)
                $0.write64(0x08, 0x1234_5000 | 8 << 56)
                $0.write64(0x18, control)
            }
        ),
        (
            .queue,
            {
                let control = $0.read64(0x18)
                $0.write64(0x18, control & ~AMDViModel.eventLog)
                $0.write64(0x10, 0x1234_5000 | 8 << 56)
                $0.write64(0x18, control)
            }
        ),
        (.protectedMemory, { $0.write64(0x20, 0x7000_0001) }),
    ]

    @Test(arguments: lastActs.indices) func whatFirmwareDidLastIsNamedAndUndone(_ index: Int) throws {
        let model = AMDViModel()
        try unit(model).enable()
        try unit(model).verify()
        Self.lastActs[index].act(model)
        // Firmware's own are not ours.
        model.violations = []
        #expect(throws: RemappingError.changed(Self.lastActs[index].step)) { try unit(model).verify() }
        try unit(model).enable()
        expectOurs(model)
        try unit(model).verify()
    }

    /// Whether events interrupt changes while guests run; the order of the unit's own requests is the flags' of its block.
    @Test func whatLetsNothingPassMayDiffer() throws {
        let model = AMDViModel()
        try unit(model).enable()
        unit(model).report(to: .nmi(to: 0))
        try unit(model).verify()
        model.write64(0x18, model.read64(0x18) ^ (1 << 8 | 1 << 9 | 1 << 11))
        try unit(model).verify()
    }

    /// A machine was refused before this unit's turn came: its commands are firmware's, and so is all else.
    @Test(arguments: whatFirmwareHas) func whatWasNotReachedIsLeftAlone(_ control: UInt64) throws {
        let model = firmware(control)
        unit(model).save()
        let writes = model.writes
        try unit(model).restore()
        #expect(model.writes == writes)
    }

    @Test(arguments: whatFirmwareHas) func aRefusalLeavesWhatFirmwareHad(_ control: UInt64) throws {
        let model = firmware(control)
        let registers = [0x00, 0x08, 0x10, 0x18, 0x20, 0x28, 0x2000, 0x2008, 0x2010, 0x2018]
        let before = registers.map(model.read64)
        unit(model).save()
        try unit(model).enable()
        #expect(registers.map(model.read64) != before)
        let openings = model.openings
        try unit(model).restore()
        #expect(registers.map(model.read64) == before)
        // Where firmware has the unit off, whoever switches it on empties the caches first.
        #expect(!model.isStale || control == 0)
        // Nothing is translated by a table that firmware has not switched on, nor by two of them.
        #expect(model.walked.isSubset(of: [frames.base + 0x4000, frames.base + 0x6000]))
        #expect(model.walked.contains(frames.base + 0x6000) == (control != 0))
        #expect(model.openings == openings + (control == 0 ? 1 : 2))
        #expect(model.violations.isEmpty, "\(model.violations)")
        guard control == Self.running else { return }
        // Firmware goes on where it was.
        model.write64(0x2008, 0x30)
        #expect(model.read64(0x2000) == 0x30 && model.read64(0x18) == control)
    }
}
