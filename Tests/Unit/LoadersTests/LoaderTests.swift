import Platform
import Testing
import UnitSupport

@testable import Loaders

@Suite struct LoaderTests {
    @Test func bzImageStartsByThe64BitProtocol() throws {
        let image = bzImage()
        let initrd = [UInt8](repeating: 0x5A, count: 5000)
        try withMemory { memory throws(LoadError) in
            let entry = try load(image, initrd: initrd, commandLine: "console=ttyS0 quiet", memory: memory)
            var expected = GuestEntry(mode: .long64, rip: 0x100_0200)
            expected.rsi = 0x2000
            #expect(entry == expected)
            #expect(memory.array(at: 0x100_0000, 4096) == Array(image[2048...]))

            let zeroPage = entry.rsi
            #expect(memory.load(UInt8.self, at: zeroPage + 0x1EF) == 0)  // sentinel
            #expect(memory.array(at: zeroPage + 0x202, 4) == Array("HdrS".utf8))
            #expect(memory.load(UInt8.self, at: zeroPage + 0x210) == 0xFF)
            #expect(memory.load(UInt32.self, at: zeroPage + 0x230) == 0x20_0000)
            #expect(memory.load(UInt32.self, at: zeroPage + 0x260) == 0x10_0000)
            #expect(memory.load(UInt64.self, at: zeroPage + 0x70) == 0xE0000)
            let line = memory.load(UInt32.self, at: zeroPage + 0x228)
            #expect(memory.text(at: UInt64(line ?? 0)) == "console=ttyS0 quiet")
            #expect(memory.load(UInt32.self, at: zeroPage + 0x218) == UInt32(64 << 20 - 0x2000))
            #expect(memory.load(UInt32.self, at: zeroPage + 0x21C) == 5000)
            #expect(memory.array(at: 64 << 20 - 0x2000, 5000) == initrd)
        }
    }

    @Test func e820CoversTheMemoryAndNothingElse() throws {
        try withMemory { memory throws(LoadError) in
            let entry = try load(bzImage(), memory: memory)
            #expect(memory.load(UInt8.self, at: entry.rsi + 0x1E8) == 4)
            var rows: [[UInt64]] = []
            for i in 0..<4 as Range<UInt64> {
                let at = entry.rsi + 0x2D0 + i * 20
                rows.append([
                    memory.load(UInt64.self, at: at) ?? 0, memory.load(UInt64.self, at: at + 8) ?? 0,
                    UInt64(memory.load(UInt32.self, at: at + 16) ?? 0),
                ])
            }
            #expect(
                rows == [
                    [0, 0x9F000, 1], [0xE0000, 0x10000, 3], [0xF0000, 0x10000, 2], [0x10_0000, 63 << 20, 1],
                ])
        }
    }

    @Test func vmlinuxIsPreferredToItsPVHNote() throws {
        try withMemory { memory throws(LoadError) in
            let entry = try load(ELF.linux().image, commandLine: "ro", memory: memory)
            #expect(entry.mode == .long64)
            #expect(entry.rip == 0x100_0000)
            #expect(memory.array(at: 0x100_0000, 200) == [UInt8](1...200))
            #expect(memory.array(at: 0x101_0000, 4) == [9, 9, 9, 0])
            #expect(memory.load(UInt16.self, at: entry.rsi + 0x1FE) == 0xAA55)
            #expect(memory.array(at: entry.rsi + 0x202, 4) == Array("HdrS".utf8))
            #expect(memory.load(UInt32.self, at: entry.rsi + 0x228) == 0x4000)
            #expect(memory.load(UInt32.self, at: entry.rsi + 0x218) == 0)
        }
    }

    @Test func theBSSIsClearedWhateverMemoryHeld() throws {
        try withMemory { memory throws(LoadError) in
            memory.store(UInt64.max, at: 0x10_0000 + 5000)
            memory.store(UInt64.max, at: 0x10_0000 + 8184)
            memory.store(UInt64.max, at: 0x10_0000 + 8192)
            _ = try load(ELF.pvh().image, memory: memory)
            #expect(memory.load(UInt64.self, at: 0x10_0000 + 5000) == 0)
            #expect(memory.load(UInt64.self, at: 0x10_0000 + 8184) == 0)
            #expect(memory.load(UInt64.self, at: 0x10_0000 + 8192) == UInt64.max)
        }
    }

    @Test(arguments: [true, false]) func pvh(is64: Bool) throws {
        try withMemory { memory throws(LoadError) in
            let entry = try load(
                ELF.pvh(is64: is64).image, initrd: [7, 7, 7], commandLine: "test", memory: memory)
            #expect(entry.mode == .protected32)
            #expect(entry.rip == 0x10_0010)
            #expect(entry.cr3 == 0)
            let info = entry.rbx
            #expect(memory.load(UInt32.self, at: info) == 0x336E_C578)
            #expect(memory.load(UInt32.self, at: info + 4) == 1)
            #expect(memory.load(UInt32.self, at: info + 12) == 1)
            let modules = memory.load(UInt64.self, at: info + 16) ?? 0
            #expect(memory.load(UInt64.self, at: modules) == 64 << 20 - 0x1000)
            #expect(memory.load(UInt64.self, at: modules + 8) == 3)
            #expect(memory.text(at: memory.load(UInt64.self, at: info + 24) ?? 0) == "test")
            #expect(memory.load(UInt64.self, at: info + 32) == 0xE0000)
            #expect(memory.load(UInt32.self, at: info + 48) == 4)
            let map = memory.load(UInt64.self, at: info + 40) ?? 0
            #expect(memory.load(UInt64.self, at: map + 3 * 24) == 0x10_0000)
            #expect(memory.load(UInt64.self, at: map + 3 * 24 + 8) == 63 << 20)
            #expect(memory.load(UInt32.self, at: map + 3 * 24 + 16) == 1)
        }
    }

    /// By its note, whether or not it is Linux, and whichever of the two machines its header names.
    @Test func a32BitELFLoadsByItsPVHNote() throws {
        var x32 = ELF.pvh(is64: false)
        x32.machine = 62
        for (elf, entry) in [(ELF.linux32(), 0x100_0050), (x32, 0x10_0010)] as [(ELF, UInt64)] {
            try withMemory { memory throws(LoadError) in
                let start = try load(elf.image, commandLine: "small", memory: memory)
                #expect(start.mode == .protected32 && start.rip == entry)
                #expect(memory.load(UInt32.self, at: start.rbx) == 0x336E_C578)
            }
        }
        withMemory { memory in
            #expect(throws: LoadError.no64BitEntry) { try load(ELF.linux32(pvh: false).image, memory: memory) }
        }
    }

    @Test func multibootByAddressFields() throws {
        let image = multiboot()
        try withMemory { memory throws(LoadError) in
            let entry = try load(image, initrd: [1, 2], commandLine: "mb", memory: memory)
            #expect(entry.mode == .protected32)
            #expect(entry.rip == 0x10_0040)
            #expect(entry.rax == 0x2BAD_B002)
            // The load address is 16 bytes before the header, which is 32 bytes into the file.
            #expect(memory.array(at: 0x10_0010, 256) == Array(image[16..<272]))
            #expect(memory.load(UInt8.self, at: 0x10_0110) == 0)
            let info = entry.rbx
            #expect(memory.load(UInt32.self, at: info) == 0x4D)
            #expect(memory.load(UInt32.self, at: info + 4) == 636)
            #expect(memory.load(UInt32.self, at: info + 8) == 63 << 10)
            #expect(memory.text(at: UInt64(memory.load(UInt32.self, at: info + 16) ?? 0)) == "mb")
            #expect(memory.load(UInt32.self, at: info + 20) == 1)
            let modules = UInt64(memory.load(UInt32.self, at: info + 24) ?? 0)
            #expect(memory.load(UInt32.self, at: modules) == UInt32(64 << 20 - 0x1000))
            #expect(memory.load(UInt32.self, at: modules + 4) == UInt32(64 << 20 - 0xFFE))
            #expect(memory.load(UInt32.self, at: info + 44) == 96)
            let map = UInt64(memory.load(UInt32.self, at: info + 48) ?? 0)
            #expect(memory.load(UInt32.self, at: map + 24) == 20)
            #expect(memory.load(UInt64.self, at: map + 28) == 0xE0000)
        }
    }

    /// An ELF file that has no note but a multiboot header in its segment, and a virtual entry point.
    @Test func multibootELF() throws {
        var code = [UInt8](repeating: 0x90, count: 64)
        code.put(0x1BAD_B002 as UInt32, at: 0)
        code.put(0 as UInt32, at: 4)
        code.put(0 &- 0x1BAD_B002 as UInt32, at: 8)
        let elf = ELF(
            is64: false, machine: 3, entry: 0xC010_0010,
            segments: [.init(virtual: 0xC010_0000, physical: 0x10_0000, bytes: code)])
        try withMemory { memory throws(LoadError) in
            let entry = try load(elf.image, memory: memory)
            #expect(entry.rip == 0x10_0010)
            #expect(memory.load(UInt32.self, at: entry.rbx + 20) == 0)
        }
    }

    @Test func tablesForTheEntryState() throws {
        try withMemory { memory throws(LoadError) in
            let entry = try load(bzImage(), memory: memory)
            #expect(
                memory.load(UInt64.self, at: entry.gdtBase + UInt64(GuestEntry.codeSelector)) == 0x00AF_9B00_0000_FFFF)
            // Walk the tables for an address in each GiB, as the processor does.
            for address in [0, 0x1234_5678, 0x7FFF_FFFF, 0x8000_0000, 0xFEE0_0300, 0xFFFF_FFFF] as [UInt64] {
                let mask: UInt64 = 0x000F_FFFF_FFFF_F000
                let pml4 = memory.load(UInt64.self, at: entry.cr3) ?? 0
                let pdpt = memory.load(UInt64.self, at: pml4 & mask + address >> 30 * 8) ?? 0
                let large = memory.load(UInt64.self, at: pdpt & mask + address >> 21 & 0x1FF * 8) ?? 0
                #expect(pml4 & 3 == 3 && pdpt & 3 == 3 && large & 0x83 == 0x83)
                #expect(large & 0x000F_FFFF_FFE0_0000 == address & ~0x1F_FFFF)
            }
            #expect(memory.array(at: 0xFFFF0, 4) == [0xB0, 0xFE, 0xE6, 0x64])
        }
        try withMemory { memory throws(LoadError) in
            let entry = try load(ELF.pvh().image, memory: memory)
            #expect(
                memory.load(UInt64.self, at: entry.gdtBase + UInt64(GuestEntry.codeSelector)) == 0x00CF_9B00_0000_FFFF)
        }
    }
}
