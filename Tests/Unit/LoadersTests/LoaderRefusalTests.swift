import Platform
import Testing
import UnitSupport

@testable import Loaders

/// Each image differs from one that loads in the one thing that must be refused.
@Suite struct LoaderRefusalTests {
    private func refusal(
        _ image: [UInt8], initrd: [UInt8]? = nil, commandLine: String = "", memory: UInt64 = 64 << 20
    ) -> LoadError? {
        withMemory(memory) { memory in
            do throws(LoadError) {
                _ = try load(image, initrd: initrd, commandLine: commandLine, memory: memory)
                return nil
            } catch { return error }
        }
    }

    private func changed(_ image: [UInt8], _ change: (inout [UInt8]) -> Void) -> [UInt8] {
        var image = image
        change(&image)
        return image
    }

    @Test func whatThePartitionLacks() {
        #expect(refusal(bzImage(), memory: 8 << 20) == .memoryTooSmall)
        withMemory { memory in
            let other = description(memory: 32 << 20)
            #expect(throws: LoadError.memoryMismatch) { try load(bzImage(), memory: memory, platform: other) }
        }
    }

    @Test func unknownFormats() {
        #expect(refusal([]) == .unknownFormat)
        #expect(refusal([UInt8](repeating: 0, count: 100_000)) == .unknownFormat)
        #expect(refusal(Array("MZ not a kernel".utf8)) == .unknownFormat)
        #expect(refusal(changed(multiboot()) { $0.put(1 as UInt32, at: 40) }) == .unknownFormat)
        // The header is looked for in the first 8 KiB only.
        #expect(refusal([UInt8](repeating: 0, count: 8192) + multiboot()) == .unknownFormat)
    }

    @Test func bzImages() {
        #expect(refusal(bzImage()) == nil)
        #expect(refusal(changed(bzImage()) { $0.put(0 as UInt16, at: 0x1FE) }) == .badHeader)
        #expect(refusal(changed(bzImage()) { $0.put(0x20B as UInt16, at: 0x206) }) == .no64BitEntry)
        #expect(refusal(changed(bzImage()) { $0.put(0x7E as UInt16, at: 0x236) }) == .no64BitEntry)
        #expect(refusal(changed(bzImage()) { $0.put(0xFF as UInt8, at: 0x201) }) == .badHeader)
        #expect(refusal(changed(bzImage()) { $0.put(0x20 as UInt8, at: 0x201) }) == .badHeader)
        #expect(refusal(changed(bzImage()) { $0.put(UInt32.max, at: 0x1F4) }) == .truncated)
        #expect(refusal(changed(bzImage()) { $0.put(0 as UInt32, at: 0x1F4) }) == .badHeader)
        #expect(refusal(changed(bzImage()) { $0.put(0xFF as UInt8, at: 0x1F1) }) == .truncated)
        #expect(refusal(bzImage(loadAddress: 63 << 20, initSize: 1 << 20)) == nil)
        #expect(refusal(bzImage(loadAddress: 63 << 20, initSize: 1 << 20 + 1)) == .outsideMemory)
        #expect(refusal(bzImage(loadAddress: UInt64.max - 0xFFF)) == .outsideMemory)
        #expect(refusal(bzImage(loadAddress: 0x1000, initSize: 0x1000)) == .overlapsBootData)
        #expect(refusal(bzImage(), commandLine: String(repeating: "x", count: 2047)) == nil)
        #expect(refusal(bzImage(), commandLine: String(repeating: "x", count: 2048)) == .commandLineTooLong)
        #expect(refusal(bzImage(), commandLine: String(repeating: "x", count: 4096)) == .commandLineTooLong)
    }

    @Test func initrds() {
        let above = 64 << 20 - (16 << 20 + 0x10_0000)
        #expect(refusal(bzImage(), initrd: [UInt8](repeating: 1, count: above)) == nil)
        #expect(refusal(bzImage(), initrd: [UInt8](repeating: 1, count: above + 1)) == .initrdDoesNotFit)
        #expect(refusal(bzImage(), initrd: [UInt8](repeating: 1, count: 64 << 20 + 1)) == .initrdDoesNotFit)
        #expect(refusal(bzImage(), initrd: []) == nil)
        // A kernel that wants its initrd below 17 MiB leaves no room for it.
        #expect(
            refusal(changed(bzImage()) { $0.put(17 << 20 - 1 as UInt32, at: 0x22C) }, initrd: [1]) == .initrdDoesNotFit)
    }

    @Test(arguments: [true, false]) func elfHeaders(is64: Bool) {
        let elf = ELF.pvh(is64: is64)
        let countAt = is64 ? 56 : 44
        #expect(refusal(elf.image) == nil)
        #expect(refusal(changed(elf.image) { $0[4] = 3 }) == .badHeader)
        #expect(refusal(changed(elf.image) { $0[5] = 2 }) == .badHeader)
        #expect(refusal(changed(elf.image) { $0[6] = 0 }) == .badHeader)
        #expect(refusal(changed(elf.image) { $0[16] = 1 }) == .badHeader)
        #expect(refusal(changed(elf.image) { $0.put(40 as UInt16, at: 18) }) == .wrongMachine)
        #expect(refusal(changed(elf.image) { $0.put(33 as UInt16, at: countAt) }) == .tooManyHeaders)
        #expect(refusal(changed(elf.image) { $0.put(0 as UInt16, at: countAt) }) == .nothingToLoad)
        #expect(refusal(changed(elf.image) { $0.put(31 as UInt16, at: countAt - 2) }) == .badHeader)
        #expect(refusal(changed(elf.image) { $0.put(UInt32.max, at: is64 ? 36 : 28) }) == .truncated)
    }

    @Test func everyTruncationOfAnELFIsRefused() {
        let image = ELF.pvh().image
        // Behind the note's last byte there is only padding.
        let end = image.count - 1
        for count in stride(from: 0, to: end, by: 7) { #expect(refusal(Array(image[..<count])) != nil) }
        #expect(refusal(Array(image[..<0x500])) == .truncated)
    }

    @Test func elfSegments() {
        func pvh(_ change: (inout ELF.Segment) -> Void) -> [UInt8] {
            var elf = ELF.pvh()
            change(&elf.segments[0])
            return elf.image
        }
        #expect(refusal(pvh { $0.memorySize = 64 << 20 - 0x10_0000 }) == nil)
        #expect(refusal(pvh { $0.memorySize = 64 << 20 - 0x10_0000 + 1 }) == .outsideMemory)
        #expect(refusal(pvh { $0.memorySize = UInt64.max }) == .outsideMemory)
        #expect(refusal(pvh { $0.physical = UInt64.max - 100 }) == .outsideMemory)
        #expect(refusal(pvh { $0.memorySize = 4999 }) == .badHeader)
        #expect(refusal(pvh { $0.kind = 2 }) == .nothingToLoad)
        #expect(refusal(pvh { $0.physical = 0x8000 }) == .overlapsBootData)
        #expect(refusal(pvh { $0.physical = 0x9E000 }) == .overlapsBootData)
        #expect(refusal(pvh { $0.physical = 0x10_0010 + 1 }) == .entryOutsideImage)
        // Below 640 KiB there is room, but then the entry is elsewhere.
        #expect(refusal(pvh { $0.physical = 0xF000 }) == .entryOutsideImage)

        var overlapping = ELF.pvh()
        overlapping.segments.append(.init(physical: 0x10_0000 + 8191, bytes: [1]))
        #expect(refusal(overlapping.image) == .overlapping)
        overlapping.segments[2].physical += 1
        #expect(refusal(overlapping.image) == nil)

        var linux = ELF.linux()
        linux.entry = 0x50_0000
        #expect(refusal(linux.image) == .entryOutsideImage)
    }

    @Test func elfNotes() {
        var elf = ELF.pvh()
        elf.segments[1].bytes = ELF.note("GNU", 18, [0, 0, 16, 0])
        #expect(refusal(elf.image) == .noBootProtocol)
        elf.segments[1].bytes = ELF.note("Xen", 18, [0, 0, 16])
        #expect(refusal(elf.image) == .badHeader)
        elf.segments[1].bytes = ELF.note("Xen", 17, [0, 0, 16, 0])
        #expect(refusal(elf.image) == .noBootProtocol)
        elf.segments[1].bytes = changed(ELF.note("Xen", 18, [0, 0, 16, 0])) { $0.put(UInt32.max, at: 0) }
        #expect(refusal(elf.image) == .truncated)
        elf.segments[1].bytes = changed(ELF.note("Xen", 18, [0, 0, 16, 0])) { $0.put(UInt32.max, at: 4) }
        #expect(refusal(elf.image) == .truncated)
        elf.segments[1].bytes = (0..<65).flatMap { _ in ELF.note("X", 1, []) }
        #expect(refusal(elf.image) == .tooManyHeaders)
    }

    @Test func multibootHeaders() {
        #expect(refusal(multiboot()) == nil)
        #expect(refusal(multiboot(flags: 0x1_0007)) == .unsupportedRequirement)
        #expect(refusal(multiboot(flags: 0x3)) == .noBootProtocol)
        #expect(refusal(multiboot(headerAddress: 0x10_0000)) == .badHeader)
        #expect(refusal(multiboot(headerAddress: 0x10_0031)) == .badHeader)
        #expect(refusal(multiboot(loadEnd: 0x10_000F)) == .badHeader)
        #expect(refusal(multiboot(loadEnd: 0x10_1000, bssEnd: 0x10_1000)) == .truncated)
        #expect(refusal(multiboot(bssEnd: 0x10_0100)) == .badHeader)
        #expect(refusal(multiboot(bssEnd: 0xFFFF_FFFF)) == .outsideMemory)
        #expect(refusal(multiboot(entry: 0x10_0110)) == .entryOutsideImage)
        #expect(refusal(multiboot(entry: 0x10_000F)) == .entryOutsideImage)
        #expect(refusal(multiboot(headerAddress: 0xFFFF_FFFF, load: 0xFFFF_FFEF, loadEnd: 0, bssEnd: 0)) != nil)
    }
}
