import Testing
import X86

@Suite struct VendorTests {
    /// CPUID leaf 0 gives the name in EBX, EDX, ECX, four letters each, the first in the lowest byte.
    private func vendor(_ name: String) -> Vendor? {
        var words: [UInt32] = [0, 0, 0]
        for (i, letter) in name.utf8.prefix(12).enumerated() { words[i / 4] |= UInt32(letter) << UInt32(i % 4 * 8) }
        return Vendor(ebx: words[0], ecx: words[2], edx: words[1])
    }

    @Test(
        arguments: [
            ("AuthenticAMD", .amd), ("HygonGenuine", .amd), ("GenuineIntel", .intel), ("CentaurHauls", nil),
            ("  Shanghai  ", nil), ("AuthenticIntel", nil), ("GenuineAMD!!", nil), ("HygonntelAMD", nil),
            ("TCGTCGTCGTCG", nil), ("GenuntelineI", nil),
        ] as [(String, Vendor?)]) func names(name: String, expected: Vendor?)
    {
        #expect(vendor(name) == expected)
    }
}
