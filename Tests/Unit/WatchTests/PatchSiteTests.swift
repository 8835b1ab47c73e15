import KernelImages
import Testing
import Watch

/// What a kernel may leave at the places where it patches itself, and what it leaves on the way there.
struct PatchSiteTests {
    private static let textSize: UInt64 = 0xE0_2000

    /// All values that Linux leaves one after the other, byte by byte: INT3, the rest, the first byte.
    private static func steps(from old: UInt64, to new: UInt64, length: UInt64) -> [UInt64] {
        var value = old & ~0xFF | 0xCC, all = [value]
        for i in 1..<length {
            let mask: UInt64 = 0xFF << (i * 8)
            value = value & ~mask | new & mask
            all.append(value)
        }
        return all + [value & ~0xFF | new & 0xFF]
    }

    private static func jump(_ offset: UInt64, _ target: UInt64, opcode: UInt64 = 0xE9) -> UInt64 {
        opcode | (target &- offset &- 5) << 8 & 0xFF_FFFF_FF00
    }

    @Test(arguments: [(0x1000, 0x200000), (0x200000, 0x1000)] as [(UInt64, UInt64)])
    func aJumpLabelTurnsOnAndOff(_ offset: UInt64, _ target: UInt64) {
        let site = PatchSite(.jump, at: offset, target: target), nop: UInt64 = 0x00_0044_1F0F
        let taken = Self.jump(offset, target)
        for value in Self.steps(from: nop, to: taken, length: 5) + Self.steps(from: taken, to: nop, length: 5) {
            #expect(site.allows(value, textSize: Self.textSize), "\(String(value, radix: 16))")
        }
        #expect(!site.allows(Self.jump(offset, target + 1), textSize: Self.textSize))
        #expect(!site.allows(Self.jump(offset, target, opcode: 0xE8), textSize: Self.textSize))
        #expect(!site.allows(0x90_9090_9090, textSize: Self.textSize))
        #expect(!site.allows(0xCC | 0xEB << 8, textSize: Self.textSize), "behind INT3 no bytes of one's own")
    }

    @Test func aShortJumpLabelTurnsOnAndOff() {
        let site = PatchSite(.shortJump, at: 0x100, target: 0x90), taken: UInt64 = 0x8EEB
        for value in Self.steps(from: 0x9066, to: taken, length: 2) + Self.steps(from: taken, to: 0x9066, length: 2) {
            #expect(site.allows(value, textSize: Self.textSize), "\(String(value, radix: 16))")
        }
        for value in [0x8FEB, 0x9090, 0x05CC, 0x050F] as [UInt64] {
            #expect(!site.allows(value, textSize: Self.textSize), "\(String(value, radix: 16))")
        }
        #expect(site.length == 2)
    }

    @Test func aStaticCallLeadsIntoTheText() {
        let site = PatchSite(.call, at: 0x40_0000)
        let call = Self.jump(0x40_0000, 0x1000, opcode: 0xE8), other = Self.jump(0x40_0000, 0xDF_0000, opcode: 0xE8)
        let nop: UInt64 = 0x00_0044_1F0F, zero: UInt64 = 0xC0_312E_2E2E, back: UInt64 = 0xCC_CCCC_CCC3
        let forms = [call, other, nop, zero, back, Self.jump(0x40_0000, 0)]
        for old in forms {
            for new in forms {
                for value in Self.steps(from: old, to: new, length: 5) {
                    #expect(site.allows(value, textSize: Self.textSize), "\(String(value, radix: 16))")
                }
            }
        }
        for target in [Self.textSize, 0 &- 1, 0x4000_0000] {
            #expect(!site.allows(Self.jump(0x40_0000, target, opcode: 0xE8), textSize: Self.textSize))
        }
        #expect(!site.allows(0x90_9090_9090, textSize: Self.textSize))
    }

    @Test func aKindOfAnotherVersionAllowsNothing() {
        let site = PatchSite(rawValue: 0x100 | 7 << 28)
        #expect(site.offset == 0x100)
        #expect(!site.allows(0xCC, textSize: Self.textSize))
    }
}
