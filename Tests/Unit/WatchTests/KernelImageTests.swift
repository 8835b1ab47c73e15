import Foundation
import KernelImages
import Testing

/// What is no kernel is refused in words, whatever its bytes are.
struct KernelImageTests {
    private func refusal(_ bytes: [UInt8]) -> String? {
        do {
            _ = try KernelSites(KernelImage(Data(bytes)))
            return nil
        } catch { return "\(error)" }
    }

    private static func elf(offset: UInt64 = 0x1000, size: UInt64 = 0x1000) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 0x2000)
        bytes.replaceSubrange(0..<6, with: [0x7F, 0x45, 0x4C, 0x46, 2, 1])
        func put(_ value: UInt64, _ at: Int, _ count: Int) {
            for i in 0..<count { bytes[at + i] = UInt8(truncatingIfNeeded: value >> UInt64(i * 8)) }
        }
        put(64, 32, 8)
        put(1, 56, 2)
        put(1, 64, 4)
        put(offset, 72, 8)
        put(0xFFFF_FFFF_8100_0000, 80, 8)
        put(size, 96, 8)
        return bytes
    }

    @Test func saysWhatIsWrong() {
        #expect(refusal([]) == "it is no 64-bit ELF file")
        #expect(refusal(Self.elf(offset: 0x1001)) == "a segment is cut short")
        #expect(refusal(Self.elf(size: .max)) == "a segment is cut short")
        #expect(refusal(Self.elf()) == "it keeps no names (kallsyms)")
        var bzImage = [UInt8](repeating: 0, count: 0x1000)
        bzImage.replaceSubrange(0x202..<0x206, with: Array("HdrS".utf8))
        #expect(refusal(bzImage) == "its payload is packed in a way that is not known")
        bzImage[0x24C] = 0xFF
        bzImage[0x24D] = 0xFF
        #expect(refusal(bzImage) == "its payload is cut short")
    }
}
