import Testing
import X86

/// No emulator has local machine checks. This stands for a processor's registers as SDM volume 3B, sections 16.3.1 and 16.5,
/// has them: what is not there, or not allowed, raises #GP.
private final class MachineCheckUnit {
    let capability: UInt64, featureControl: UInt64
    var registers: [UInt32: UInt64] = [:]
    var faults: [UInt32] = []

    init(_ capability: UInt64, featureControl: UInt64 = 0) {
        (self.capability, self.featureControl) = (capability, featureControl)
    }

    func read(_ msr: UInt32) -> UInt64 {
        switch msr {
        case 0x179: return capability
        case 0x3A: return featureControl
        default:
            if !exists(msr) { faults.append(msr) }
            return registers[msr] ?? 0
        }
    }

    func write(_ msr: UInt32, _ value: UInt64) {
        let isReserved = msr == 0x4D0 && value & ~1 != 0
        if !exists(msr) || isReserved { faults.append(msr) } else { registers[msr] = value }
    }

    private func exists(_ msr: UInt32) -> Bool {
        switch msr {
        case 0x17A: true
        case 0x17B: capability >> 8 & 1 != 0
        // Section 16.3.1.5: only with MCG_LMCE_P, and while firmware allows it.
        case 0x4D0: capability >> 27 & 1 != 0 && featureControl & 0x10_0001 == 0x10_0001
        case 0x400..<0x480: UInt64(msr - 0x400) / 4 < capability & 0xFF
        default: false
        }
    }

    func enable() { MachineCheckRegisters.enable(read: read, write: write) }
}

@Suite struct MachineCheckRegistersTests {
    private static let control: UInt64 = 1 << 8, local: UInt64 = 1 << 27

    @Test(arguments: [0, 1, 10, 32]) func everyBankReports(_ banks: UInt64) {
        for control in [0, Self.control] {
            let unit = MachineCheckUnit(banks | control)
            // What a warm reset has left: valid, uncorrected, of a processor that cannot go on.
            for bank in 0..<UInt32(banks) { unit.registers[0x401 + bank * 4] = 1 << 63 | 1 << 61 | 1 << 57 }
            unit.enable()
            #expect(unit.faults.isEmpty)
            for bank in 0..<UInt32(banks) {
                #expect(unit.registers[0x400 + bank * 4] == .max && unit.registers[0x401 + bank * 4] == 0)
            }
            #expect(unit.registers[0x17B] == (control == 0 ? nil : .max))
            #expect(unit.registers.count == Int(banks) * 2 + (control == 0 ? 0 : 1))
        }
    }

    @Test func moreBanksThanTheArchitectureHasNumbersForAreLeft() {
        #expect(MachineCheckRegisters.bankCount(0xFF) == 32)
    }

    @Test(arguments: [0, 1, 1 << 20, 1 << 20 | 1, 1 << 20 | 5] as [UInt64])
    func localOnesAreAskedForWhereFirmwareAllows(_ featureControl: UInt64) {
        for capability in [4, 4 | Self.local] {
            let unit = MachineCheckUnit(capability, featureControl: featureControl)
            unit.enable()
            let isAllowed = capability & Self.local != 0 && featureControl & 0x10_0001 == 0x10_0001
            #expect(unit.registers[0x4D0] == (isAllowed ? 1 : nil))
            #expect(unit.faults.isEmpty)
        }
    }
}
