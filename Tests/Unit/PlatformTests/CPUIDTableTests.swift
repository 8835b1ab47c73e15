import Testing
import X86

@testable import Platform

@Suite struct CPUIDTableTests {
    /// Silicon whose every answer tells which question it was for, with all features.
    static func native(_ leaf: UInt32, _ subleaf: UInt32) -> CPUIDRegisters {
        CPUIDRegisters(eax: .max, ebx: ~(leaf << 8), ecx: ~subleaf, edx: .max)
    }

    @Test(arguments: [Vendor.amd, .intel], [0, 1 << 18, 1 << 22, .max] as [UInt64])
    func theTableAnswersAsThePolicyDoes(vendor: Vendor, cr4: UInt64) {
        var platform = PlatformDescription(
            memorySize: 64 << 20, console: true, tscKHz: 2_000_000, bootTime: 0, bootTSC: 0)
        platform.append(apicID: 2)
        platform.append(apicID: 5)
        var context = CPUIDContext(platform, vcpu: 1)
        context.vendor = vendor
        var table = CPUIDTable()
        table.fill(context, native: Self.native)
        context.cr4 = cr4
        var answered = 0
        for leaf in [0...0x40, 0x4000_0000...0x4000_0020, 0x7FFF_FFF0...0x8000_0040, 0xC000_0000...0xC000_0004]
            as [ClosedRange<UInt32>]
        {
            for leaf in leaf {
                for subleaf in [0, 1, 2, 3, 4, 5, 9, 63, .max] as [UInt32] {
                    guard let answer = table.answer(leaf: leaf, subleaf: subleaf, cr4: cr4) else { continue }
                    let expected = CPUIDPolicy.answer(
                        leaf: leaf, subleaf: subleaf, native: Self.native(leaf, leaf.hasSubleaves ? subleaf : 0),
                        context)
                    #expect(answer == expected, "leaf \(String(leaf, radix: 16)), subleaf \(subleaf)")
                    answered += 1
                }
            }
        }
        #expect(answered > 500)
    }
}

extension UInt32 {
    fileprivate var hasSubleaves: Bool { [4, 7, 0xB, 0xD].contains(self) }
}
