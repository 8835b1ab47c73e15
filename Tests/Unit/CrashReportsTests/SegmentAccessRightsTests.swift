@testable import CrashReports
import Testing
import X86

/// Access rights against Intel SDM volume 3C, section 25.4.1.
@Suite struct SegmentAccessRightsTests {
    /// The bits of each flag of a word, and that no other bit touches it.
    private func check<Word>(_ make: (UInt64) -> Word, _ flags: [(bit: UInt64, value: (Word) -> Bool)]) {
        for (bit, value) in flags {
            for i in 0..<64 as Range<UInt64> { #expect(value(make(1 << i)) == (i == bit), "bit \(i) of \(Word.self)") }
        }
    }

    @Test(
        arguments: [
            (SegmentAttributes.code64, 0xA09B), (SegmentAttributes.code32, 0xC09B), (SegmentAttributes.code16, 0x009B),
            (SegmentAttributes.data32, 0xC093), (SegmentAttributes.data16, 0x0093), (SegmentAttributes.ldt, 0x0082),
            (SegmentAttributes.busyTSS, 0x008B),
        ] as [(UInt16, UInt32)]) func accessRights(attributes: UInt16, raw: UInt32)
    {
        let rights = SegmentAccessRights(attributes: attributes)
        #expect(rights.rawValue == raw)
        #expect(rights.attributes == attributes)
        #expect(!rights.isUnusable && !rights.hasReservedBits && rights.isPresent)
    }

    @Test func partsOfAccessRights() {
        check(
            { SegmentAccessRights(rawValue: UInt32(truncatingIfNeeded: $0)) },
            [
                (4, \.isCodeOrData), (7, \.isPresent), (13, \.isLong), (14, \.isDefault32), (15, \.hasPageUnits),
                (16, \.isUnusable),
            ])
        for bit in 0..<32 as Range<UInt32> {
            let reserved = 8...11 ~= bit || bit >= 17
            #expect(SegmentAccessRights(rawValue: 1 << bit).hasReservedBits == reserved)
        }
        let rights = SegmentAccessRights(rawValue: 0xF3)
        #expect(rights.type == 3 && rights.privilege == 3)
        #expect(SegmentAccessRights(attributes: 0).isUnusable, "a null selector")
        #expect(SegmentAccessRights(rawValue: 0x1_00F3).attributes == 0x073, "unusable is not present")
    }
}
