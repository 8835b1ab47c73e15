import Testing
import X86

/// Entries against AMD64 APM volume 2, figures 5-20 to 5-26: P 0, R/W 1, U/S 2, A 5, D 6, PS 7, NX 63.
@Suite struct FormatTests {
    private let address: UInt64 = 0x000F_FFFF_C000_0000

    @Test func longModeLeaves() {
        #expect(LongModeFormat.leaf(at: address, level: 1, access: .read) == address | 0x8000_0000_0000_0061)
        #expect(LongModeFormat.leaf(at: address, level: 1, access: .readWrite) == address | 0x8000_0000_0000_0063)
        #expect(LongModeFormat.leaf(at: address, level: 1, access: .readExecute) == address | 0x61)
        #expect(LongModeFormat.leaf(at: address, level: 1, access: .all) == address | 0x63)
        #expect(LongModeFormat.leaf(at: address, level: 2, access: .all) == address | 0xE3)
        #expect(LongModeFormat.leaf(at: address, level: 3, access: .read) == address | 0x8000_0000_0000_00E1)
    }

    @Test func longModeTables() {
        // Whether anything may be written or executed below, the leaf says.
        #expect(LongModeFormat.table(at: 0x1234_5000, level: 1) == 0x1234_5023)
    }

    @Test func nestedEntriesAreTheUsers() {
        // Section 15.25.5: every access of a guest counts as a user's, so bit 2 is set at every level.
        #expect(NestedFormat.table(at: 0x1234_5000, level: 1) == 0x1234_5027)
        #expect(NestedFormat.leaf(at: address, level: 1, access: .all) == address | 0x67)
        #expect(NestedFormat.leaf(at: address, level: 1, access: .read) == address | 0x8000_0000_0000_0065)
        #expect(NestedFormat.leaf(at: address, level: 3, access: .all) == address | 0xE7)
    }

    @Test func presenceIsBit0() {
        for bit in 0..<64 as Range<UInt64> {
            #expect(LongModeFormat.isPresent(1 << bit) == (bit == 0))
            #expect(NestedFormat.isPresent(1 << bit) == (bit == 0))
        }
    }

    @Test func leavesAreBit7AboveLevel1() {
        for bit in 0..<64 as Range<UInt64> {
            for level in 2...3 {
                #expect(LongModeFormat.isLeaf(1 << bit, level: level) == (bit == 7))
                #expect(NestedFormat.isLeaf(1 << bit, level: level) == (bit == 7))
            }
            // At level 1 bit 7 is PAT and says nothing about the kind.
            #expect(!LongModeFormat.isLeaf(1 << bit, level: 1))
        }
    }

    @Test func addressesAreBits12To51() {
        #expect(LongModeFormat.address(.max) == 0x000F_FFFF_FFFF_F000)
        #expect(NestedFormat.address(.max) == 0x000F_FFFF_FFFF_F000)
        #expect(NestedFormat.address(0xFFF0_0000_0000_0FFF) == 0)
    }
}
