@testable import CrashReports
import Testing
import X86

/// The checks of guest non-register state, section 27.3.1.5, and of what is injected.
@Suite struct EntryStateTests {
    typealias Kind = InterruptionInfo.Kind

    private func failure(
        activity: UInt64 = 0, interruptibility: UInt64 = 0, inject: (UInt8, Kind)? = nil,
        from: GuestState = .kernel64, _ change: (inout GuestState) -> Void = { _ in }
    ) -> EntryFailure? {
        var state = from
        state[VMCSField.guestActivity] = activity
        state[VMCSField.guestInterruptibility] = interruptibility
        if let (vector, kind) = inject {
            state[VMCSField.entryInterruptionInfo] = UInt64(InterruptionInfo(vector: vector, kind: kind).rawValue)
        }
        change(&state)
        let failure = failedEntryCheck(state, EntryCheckTests.rules)
        if let failure, failure.subject.description != "RFLAGS" { #expect(failure.section.description == "27.3.1.5") }
        return failure
    }

    @Test func activities() {
        for activity in 0...3 as ClosedRange<UInt64> { #expect(failure(activity: activity) == nil) }
        for activity in [4, 5, 59, 64, 0xFFFF_FFFF, .max] as [UInt64] {
            #expect(failure(activity: activity)?.problem.description == "not one that the processor has")
        }
        for (activity, misc) in [(1, 0x180), (2, 0x140), (3, 0xC0)] as [(UInt64, UInt64)] {
            var rules = EntryCheckTests.rules
            rules.misc = misc
            var state = GuestState.startUp
            state[VMCSField.guestActivity] = activity
            #expect(failedEntryCheck(state, rules)?.subject.description == "activity state")
        }
        #expect(failure(activity: 1, from: .program32)?.problem.description.hasPrefix("halted with a DPL") == true)
    }

    @Test func aBlockedGuestIsActive() {
        for activity in 1...3 as ClosedRange<UInt64> {
            for blocked in [1, 2] as [UInt64] {
                let found = failure(activity: activity, interruptibility: blocked)
                #expect(found?.problem.description.hasPrefix("not active while") == true)
            }
        }
        #expect(failure(activity: 1, interruptibility: 8) == nil, "NMIs may be blocked in HLT")
    }

    /// Which events each activity state takes.
    @Test func injection() {
        let events: [(UInt8, Kind, Set<UInt64>)] = [
            (0x30, .externalInterrupt, [0, 1]), (2, .nmi, [0, 1, 2]), (18, .hardwareException, [0, 1, 2]),
            (1, .hardwareException, [0, 1]), (13, .hardwareException, [0]), (3, .softwareException, [0]),
            (0x80, .softwareInterrupt, [0]), (0, .other, [0, 1]), (1, .other, [0]), (1, .privilegedException, [0]),
        ]
        for (vector, kind, takers) in events {
            for activity in 0...3 as ClosedRange<UInt64> {
                let found = failure(activity: activity, inject: (vector, kind))
                #expect((found == nil) == takers.contains(activity), "\(kind) \(vector) in \(activity)")
                if let found { #expect(found.problem.description.contains("does not take")) }
            }
        }
        // A word that is not valid is no event.
        #expect(failure(activity: 3) { $0[VMCSField.entryInterruptionInfo] = 0x0000_0B0D } == nil)
    }

    @Test func interruptibility() {
        func problem(_ value: UInt64, inject: (UInt8, Kind)? = nil, from: GuestState = .kernel64) -> String? {
            let found = failure(interruptibility: value, inject: inject, from: from)
            if let found { #expect(found.subject.description == "interruptibility state") }
            return found?.problem.description
        }
        for value in [0, 1, 2, 8, 9, 10, 16, 17] as [UInt64] { #expect(problem(value) == nil) }
        for bit in 5..<64 as Range<UInt64> { #expect(problem(1 << bit)?.contains("reserved") == true) }
        #expect(problem(3)?.hasPrefix("both STI and MOV SS") == true)
        #expect(problem(4)?.contains("outside of SMM") == true)
        #expect(problem(0x12)?.contains("enclave") == true)
        #expect(problem(1, from: .startUp)?.contains("RFLAGS.IF is 0") == true)
        #expect(problem(2, from: .startUp) == nil)
        for blocked in [1, 2] as [UInt64] {
            #expect(problem(blocked, inject: (0x30, .externalInterrupt))?.hasPrefix("an external interrupt") == true)
            #expect(problem(blocked, inject: (2, .nmi))?.hasPrefix("an NMI is injected") == true)
            #expect(problem(blocked, inject: (6, .hardwareException)) == nil)
        }
        #expect(problem(8, inject: (2, .nmi))?.hasPrefix("a virtual NMI") == true)
        #expect(problem(8, inject: (0x30, .externalInterrupt)) == nil)
        let plain = failure(interruptibility: 8, inject: (2, .nmi)) {
            $0[VMCSField.pinControls] = UInt64(PinControl.nmiExiting)
        }
        #expect(plain == nil, "without virtual NMIs nothing is blocked that way")
    }

    @Test func interruptsNeedTheFlag() {
        let found = failure(inject: (0x30, .externalInterrupt), from: .startUp)
        #expect(found?.subject.description == "RFLAGS")
        #expect(found?.section.description == "27.3.1.4")
        #expect(failure(inject: (2, .nmi), from: .startUp) == nil)
    }

    @Test func pendingDebug() {
        for bit in 0..<64 as Range<UInt64> {
            let found = failure { $0[VMCSField.guestPendingDebug] = 1 << bit }
            #expect((found == nil) == [0, 1, 2, 3, 11, 12, 14, 16].contains(bit), "bit \(bit)")
            if let found { #expect(found.subject.description == "pending debug exceptions") }
        }
        // BS, TF, BTF; with blocking or in HLT, BS is 1 just when single steps are on.
        for (activity, blocked) in [(0, 1), (0, 2), (1, 0)] as [(UInt64, UInt64)] {
            for combination in 0..<8 as Range<UInt64> {
                let bs = combination & 1, tf = combination >> 1 & 1, btf = combination >> 2
                let found = failure(activity: activity, interruptibility: blocked) {
                    $0[VMCSField.guestPendingDebug] = bs << 14
                    $0[VMCSField.guestRFLAGS] |= tf << 8
                    $0[VMCSField.guestDebugControl] = btf << 1
                }
                #expect((found == nil) == ((bs == 1) == (tf == 1 && btf == 0)))
                if let found { #expect(found.problem.description.hasPrefix("BS is not")) }
            }
        }
    }

    @Test func linkPointer() {
        func problem(_ pointer: UInt64) -> StaticString? {
            failure { $0[VMCSField.vmcsLinkPointer] = pointer }?.subject
        }
        #expect(problem(.max) == nil)
        #expect(problem(0x1234_5000) == nil)
        for pointer in [0x1234_5001, 1 << 39, .max - 0xFFF, 0xFFFF_FFFF] as [UInt64] {
            #expect(problem(pointer)?.description == "VMCS link pointer")
        }
    }
}
