import Testing
import X86

/// Folding against Intel SDM volume 3D, appendix A.3: low half of the capability must be 1, high half may be 1.
@Suite struct ControlFoldingTests {
    private func capability(mustBeOne: UInt32 = 0, mayBeOne: UInt32 = .max) -> UInt64 {
        UInt64(mayBeOne) << 32 | UInt64(mustBeOne)
    }

    /// A processor that offers everything and insists on nothing gives exactly what was asked for.
    @Test(
        arguments: [
            (.pin, [3, 5]), (.processor, [3, 10, 11, 25, 28, 29, 31]), (.secondary, [1, 3, 5, 6, 7, 12]),
            (.exit, [2, 9, 18, 19, 20, 21]), (.entry, [2, 14, 15]),
        ] as [(ControlSet, [UInt32])]) func whereAllIsOffered(set: ControlSet, bits: [UInt32])
    {
        #expect(set.fold(capability: capability()) == .value(bits.reduce(0) { $0 | 1 << $1 }))
    }

    /// The values of the "true" registers that a Skylake reports: their reserved bits that must be 1 are kept.
    @Test func reservedBitsThatMustBeOneAreKept() {
        #expect(ControlSet.pin.fold(capability: 0x0000_007F_0000_0016) == .value(0x16 | 1 << 3 | 1 << 5))
        #expect(ControlSet.processor.fold(capability: 0xFFF9_FFFE_0400_6172) == .value(0x0400_6172 | 0xB200_0C08))
        #expect(ControlSet.exit.fold(capability: 0x01FF_FFFF_0003_6DFB) == .value(0x0003_6DFB | 0x003C_0204))
        #expect(ControlSet.entry.fold(capability: 0x0003_FFFF_0000_11FB) == .value(0x0000_11FB | 0x0000_C004))
    }

    /// The older capability registers want CR3 exits: refused by the control's number.
    @Test func withoutTrueControlsTheFirstUnwantedExitIsGiven() {
        let result = ControlSet.processor.fold(capability: 0xFFF9_FFFE_0401_E172)
        #expect(result == .alwaysOn(1 << 15))
    }

    @Test(arguments: VMXControlTests.sets) func eachRequiredControlIsMissed(set: ControlSet) {
        for bit in 0..<32 as Range<UInt32> {
            let result = set.fold(capability: capability(mayBeOne: ~(1 << bit)))
            if (set.required | set.switched) >> bit & 1 == 1 {
                #expect(result == .notOffered(1 << bit))
            } else if case .value(let value) = result {
                #expect(value >> bit & 1 == 0)
            } else {
                Issue.record("\(set.bitName) \(bit) is not required")
            }
        }
    }

    /// What nobody named: exits of which the steady state has none, delivery of interrupts to the host, features that guests are not
    /// shown, and whatever later processors have. Numbers by SDM volume 3C, sections 25.6 to 25.8.
    @Test(
        arguments: [
            (.pin, [0, 6, 7]), (.processor, [2, 7, 9, 12, 15, 16, 17, 19, 20, 21, 22, 23, 24, 27, 30]),
            (.secondary, [0, 2, 4, 8, 9, 10, 11, 13, 14, 15, 16, 17, 18, 19, 20, 22, 25, 26]),
            (.exit, [12, 15, 22, 23, 31]), (.entry, [9, 10, 13, 16, 17]),
        ] as [(ControlSet, [UInt32])]) func whatNobodyNamedIsForbidden(set: ControlSet, bits: [UInt32])
    {
        for bit in bits { #expect(set.fold(capability: capability(mustBeOne: 1 << bit)) == .alwaysOn(1 << bit)) }
    }

    @Test(arguments: VMXControlTests.sets) func eachForbiddenControlIsSeen(set: ControlSet) {
        for bit in 0..<32 as Range<UInt32> {
            let result = set.fold(capability: capability(mustBeOne: 1 << bit))
            if set.forbidden >> bit & 1 == 1 {
                #expect(result == .alwaysOn(1 << bit))
            } else if case .value(let value) = result {
                #expect(value >> bit & 1 == 1)
            } else {
                Issue.record("\(set.bitName) \(bit) is not forbidden")
            }
        }
    }

    @Test func theLowestOfManyIsNamed() {
        #expect(ControlSet.processor.fold(capability: 0) == .notOffered(ProcessorControl.tscOffsetting))
        #expect(ControlSet.exit.fold(capability: 0) == .notOffered(ExitControl.hostAddressSpaceSize))
        // What is missing is said before what is too much.
        #expect(ControlSet.exit.fold(capability: 0xFFFF_FFFF) == .notOffered(ExitControl.hostAddressSpaceSize))
        #expect(ControlSet.processor.fold(capability: .max) == .alwaysOn(1 << 0))
    }

    @Test func thePreemptionTimerStandsInForVirtualNMIs() {
        let without = ControlSet.pin.fold(capability: capability(mayBeOne: ~PinControl.virtualNMIs))
        #expect(without == .value(PinControl.nmiExiting | PinControl.preemptionTimer))
        let neither = PinControl.virtualNMIs | PinControl.preemptionTimer
        let refused = ControlSet.pin.fold(capability: capability(mayBeOne: ~neither))
        #expect(refused == .notOffered(PinControl.preemptionTimer))
    }

    /// Whatever a capability register says, the value respects it.
    @Test func theValueIsAlwaysOneThatTheProcessorTakes() {
        var random = SystemRandomNumberGenerator()
        var values = 0
        for set in VMXControlTests.sets {
            for _ in 0..<2000 {
                let allowed = UInt32.random(in: 0 ... .max, using: &random) | set.required | set.switched
                let must = allowed & UInt32.random(in: 0 ... .max, using: &random) & ~set.forbidden
                guard case .value(let value) = set.fold(capability: capability(mustBeOne: must, mayBeOne: allowed))
                else { continue }
                values += 1
                #expect(value & must == must && value & ~allowed == 0)
                #expect(value & set.required == set.required)
                #expect(value & set.forbidden & ~set.substitute == 0)
                let ours = set.required | set.wanted | set.substitute
                #expect(value & ~ours == must & ~ours, "no bit that nobody asked for")
            }
        }
        #expect(values > 4000)
    }
}
