import Testing
import X86

/// Entries against Intel SDM volume 3C, section 29.3.2: R 0, W 1, X 2, memory type 5:3, ignore PAT 6, page 7,
/// accessed 8, dirty 9.
@Suite struct EPTFormatTests {
    private let address: UInt64 = 0x000F_FFFF_C000_0000

    @Test func leaves() {
        // Write-back is type 6: bits 5:3 are 110.
        #expect(EPTFormat.leaf(at: address, level: 1, access: .read) == address | 0x31)
        #expect(EPTFormat.leaf(at: address, level: 1, access: .readWrite) == address | 0x33)
        #expect(EPTFormat.leaf(at: address, level: 1, access: .readExecute) == address | 0x35)
        #expect(EPTFormat.leaf(at: address, level: 1, access: .all) == address | 0x37)
        #expect(EPTFormat.leaf(at: address, level: 2, access: .all) == address | 0xB7)
        #expect(EPTFormat.leaf(at: address, level: 3, access: .read) == address | 0xB1)
    }

    @Test(
        arguments: [
            (.uncacheable, 0x07), (.writeCombining, 0x0F), (.writeThrough, 0x27), (.writeProtected, 0x2F),
            (.writeBack, 0x37),
        ] as [(MemoryType, UInt64)]) func memoryTypes(type: MemoryType, low: UInt64)
    {
        let access = Access.all.with(type)
        #expect(access.write && access.execute && access.memoryType == type)
        #expect(EPTFormat.leaf(at: address, level: 1, access: access) == address | low)
        #expect(EPTFormat.leaf(at: address, level: 2, access: access) == address | low | 0x80)
        // The other formats leave types to PAT and MTRRs, but for memory that must not be cached.
        let disable: UInt64 = type == .uncacheable ? 0x10 : 0
        #expect(
            LongModeFormat.leaf(at: address, level: 1, access: access)
                == LongModeFormat.leaf(at: address, level: 1, access: .all) | disable)
        #expect(
            NestedFormat.leaf(at: address, level: 2, access: access)
                == NestedFormat.leaf(at: address, level: 2, access: .all) | disable)
    }

    @Test func accessKeepsItsRights() {
        #expect(Access.read.memoryType == .writeBack)
        let device = Access.readWrite.with(.uncacheable)
        #expect(device.write && !device.execute)
    }

    @Test func tables() {
        // Bits 7:3 of an entry that leads to a table are reserved.
        #expect(EPTFormat.table(at: 0x1234_5000, level: 1) == 0x1234_5007)
    }

    @Test func presenceIsAnyPermission() {
        for bit in 0..<64 as Range<UInt64> { #expect(EPTFormat.isPresent(1 << bit) == (bit <= 2)) }
    }

    @Test func leavesAreBit7AboveLevel1() {
        for bit in 0..<64 as Range<UInt64> {
            for level in 2...3 { #expect(EPTFormat.isLeaf(1 << bit, level: level) == (bit == 7)) }
            #expect(!EPTFormat.isLeaf(1 << bit, level: 1))
        }
    }

    @Test func addressesAreBits12To51() {
        #expect(EPTFormat.address(.max) == 0x000F_FFFF_FFFF_F000)
        #expect(EPTFormat.address(0xFFF0_0000_0000_0FFF) == 0)
    }

    /// Section 25.6.11: memory type 2:0, walk length less one 5:3, accessed and dirty 6.
    @Test func pointer() {
        #expect(EPTFormat.pointer(root: 0x1234_5000) == 0x1234_501E)
    }
}
