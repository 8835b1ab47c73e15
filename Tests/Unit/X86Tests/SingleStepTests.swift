import Testing
import X86

/// What is left of a step over one instruction, against AMD64 APM volume 2, sections 13.1.1.3 and 13.1.4: a step that is not
/// the guest's own is not seen, and nothing of the guest's own is lost in it.
@Suite struct SingleStepTests {
    private struct Ended: Equatable {
        var rflags: UInt64, dr6: UInt64
        var isDone: Bool, hasAccessed: Bool
    }
    /// A step is begun with the guest's flags and DR6 and ends with what the processor has then.
    private func end(
        _ kind: SingleStep.Kind, begun rflags: UInt64, _ dr6: UInt64 = 0xFFFF_0FF0, causes: UInt64, ended: UInt64
    ) -> Ended {
        var step = SingleStep(kind, rflags: rflags, dr6: dr6)
        #expect(step.isActive)
        var (now, nowDR6) = (ended, 0xFFFF_0FF0 | causes)
        step.end(causes: causes, rflags: &now, dr6: &nowDR6)
        #expect(!step.isActive)
        return Ended(rflags: now, dr6: nowDR6, isDone: step.isDone, hasAccessed: step.hasAccessed)
    }

    @Test func nothingIsLeft() {
        // A stale B1 stays what it was.
        #expect(
            end(.access, begun: 0x202, 0xFFFF_0FF2, causes: 0x4000, ended: 0x302)
                == Ended(rflags: 0x202, dr6: 0xFFFF_0FF2, isDone: true, hasAccessed: true))
        let shadow = end(.shadow, begun: 2, causes: 0x4000, ended: 0x102)
        #expect(shadow == Ended(rflags: 2, dr6: 0xFFFF_0FF0, isDone: true, hasAccessed: false))
    }

    @Test func aGuestThatStepsItselfGetsItsTrap() {
        #expect(
            end(.access, begun: 0x102, causes: 0x4000, ended: 0x102)
                == Ended(rflags: 0x102, dr6: 0xFFFF_4FF0, isDone: false, hasAccessed: true))
    }

    @Test(arguments: 0..<4 as Range<UInt64>) func aBreakpointOfTheGuestIsNotLost(index: UInt64) {
        let hit = 1 << index as UInt64
        // With the step's trap or, on the instruction itself, before it.
        #expect(
            end(.access, begun: 2, 0xFFFF_0FFF, causes: 0x4000 | hit, ended: 0x102)
                == Ended(rflags: 2, dr6: 0xFFFF_0FF0 | hit, isDone: false, hasAccessed: true))
        #expect(
            end(.access, begun: 2, causes: hit, ended: 0x102)
                == Ended(rflags: 2, dr6: 0xFFFF_0FF0 | hit, isDone: false, hasAccessed: false))
    }

    @Test func whatElseEndsItLeavesTheInstructionUndone() {
        for kind in [SingleStep.Kind.access, .shadow, .interruptReturn] {
            #expect(
                end(kind, begun: 2, 0xFFFF_0FF1, causes: 0, ended: 0x102)
                    == Ended(rflags: 2, dr6: 0xFFFF_0FF1, isDone: false, hasAccessed: false))
        }
    }

    @Test func anInterruptReturnLoadsTheFlags() {
        for loaded in [0x002, 0x102, 0x302] as [UInt64] {
            #expect(end(.interruptReturn, begun: 0x102, causes: 0x4000, ended: loaded).rflags == loaded)
            let step = end(.interruptReturn, begun: 2, causes: 0x4000, ended: loaded)
            #expect(step == Ended(rflags: loaded, dr6: 0xFFFF_0FF0, isDone: true, hasAccessed: false))
        }
    }

    /// The delivery changes flags and DR6 itself, and was not begun with others.
    @Test func aDeliveryIsTheProcessors() {
        let step = end(.delivery, begun: 0x302, causes: 0x4001, ended: 0x002)
        #expect(step == Ended(rflags: 2, dr6: 0xFFFF_4FF1, isDone: false, hasAccessed: false))
    }

    @Test func whoseCausesTheyAre() {
        #expect(SingleStep().own(.max) == 0x600F)
        for (flags, own) in [(0x102, 0x600F), (0x002, 0x200F)] as [(UInt64, UInt64)] {
            var step = SingleStep(.access, rflags: flags)
            var (rflags, dr6) = (flags | 0x100, 0 as UInt64)
            step.end(causes: 0x4001, rflags: &rflags, dr6: &dr6)
            #expect(step.own(.max) == own)
        }
    }
}

/// Outside of 64-bit mode the instruction pointer has 32 bits.
@Suite struct InstructionEndTests {
    @Test func itWrapsOutsideOf64BitMode() {
        for is64Bit in [false, true] {
            #expect(instructionEnd(0x1000, 2, is64Bit: is64Bit) == 0x1002)
            #expect(instructionEnd(0xFFFF_FFFD, 2, is64Bit: is64Bit) == 0xFFFF_FFFF)
            #expect(instructionEnd(0xFFFF_0000_FFFF_FFF0, 15, is64Bit: is64Bit) == 0xFFFF_0000_FFFF_FFFF)
        }
        for (rip, length, end) in [(0xFFFF_FFFE, 2, 0), (0xFFFF_FFFF, 1, 0), (0xFFFF_FFF9, 15, 8)]
            as [(UInt64, UInt64, UInt64)]
        {
            #expect(instructionEnd(rip, length, is64Bit: false) == end)
            #expect(instructionEnd(rip, length, is64Bit: true) == end + 1 << 32)
        }
        #expect(instructionEnd(0xFFFF_FFFF_FFFF_FFFE, 2, is64Bit: true) == 0)
    }
}
