import UnitSupport

/// Small guest images, made field by field from the formats' specifications.
struct ELF {
    struct Segment {
        var kind: UInt32 = 1
        var virtual: UInt64 = 0
        var physical: UInt64
        var bytes: [UInt8]
        var memorySize: UInt64?
        var alignment: UInt64 = 4
    }
    var is64 = true
    var machine: UInt16 = 62
    var entry: UInt64
    var segments: [Segment]

    var image: [UInt8] {
        var file: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, is64 ? 2 : 1, 1, 1]
        file.put(2 as UInt16, at: 16)
        file.put(machine, at: 18)
        file.put(1 as UInt32, at: 20)
        var content = 0x400
        for (i, segment) in segments.enumerated() {
            let memory = segment.memorySize ?? UInt64(segment.bytes.count)
            if is64 {
                let at = 64 + i * 56
                file.put(segment.kind, at: at)
                file.put(UInt64(content), at: at + 8)
                file.put(segment.virtual, at: at + 16)
                file.put(segment.physical, at: at + 24)
                file.put(UInt64(segment.bytes.count), at: at + 32)
                file.put(memory, at: at + 40)
                file.put(segment.alignment, at: at + 48)
            } else {
                let at = 52 + i * 32
                file.put(segment.kind, at: at)
                file.put(UInt32(content), at: at + 4)
                file.put(UInt32(segment.virtual), at: at + 8)
                file.put(UInt32(segment.physical), at: at + 12)
                file.put(UInt32(segment.bytes.count), at: at + 16)
                file.put(UInt32(memory), at: at + 20)
                file.put(UInt32(segment.alignment), at: at + 28)
            }
            file.put(segment.bytes, at: content)
            content += (segment.bytes.count + 15) & ~15
        }
        if is64 {
            file.put(entry, at: 24)
            file.put(64 as UInt64, at: 32)
            file.put(56 as UInt16, at: 54)
            file.put(UInt16(segments.count), at: 56)
        } else {
            file.put(UInt32(entry), at: 24)
            file.put(52 as UInt32, at: 28)
            file.put(32 as UInt16, at: 42)
            file.put(UInt16(segments.count), at: 44)
        }
        return file
    }

    static func note(_ name: String, _ kind: UInt32, _ descriptor: [UInt8]) -> [UInt8] {
        var note: [UInt8] = []
        note.put(UInt32(name.utf8.count + 1), at: 0)
        note.put(UInt32(descriptor.count), at: 4)
        note.put(kind, at: 8)
        note.put(Array(name.utf8) + [0], at: 12)
        while note.count % 4 != 0 { note.append(0) }
        note += descriptor
        while note.count % 4 != 0 { note.append(0) }
        return note
    }

    /// Code of 5000 bytes at 1 MiB with 3192 bytes of BSS behind it, and a PVH note.
    static func pvh(entry: UInt64 = 0x10_0010, is64: Bool = true) -> ELF {
        let descriptor: [UInt8] = (0..<(is64 ? 8 : 4)).map { UInt8(truncatingIfNeeded: entry >> (8 * $0)) }
        return ELF(
            is64: is64, machine: is64 ? 62 : 3, entry: 0x10_0000,
            segments: [
                Segment(physical: 0x10_0000, bytes: [UInt8](repeating: 0xC3, count: 5000), memorySize: 8192),
                Segment(kind: 4, physical: 0, bytes: note("GNU", 3, [1, 2, 3]) + note("Xen", 18, descriptor)),
            ])
    }

    /// A 32-bit Linux kernel's own file: its ELF entry is for nobody here, its PVH note is.
    static func linux32(pvh: Bool = true) -> ELF {
        let notes = note("Linux", 0x101, [0, 0, 0, 0]) + (pvh ? note("Xen", 18, [0x50, 0, 0, 1]) : [])
        return ELF(
            is64: false, machine: 3, entry: 0x100_0000,
            segments: [
                Segment(virtual: 0xC100_0000, physical: 0x100_0000, bytes: [UInt8](1...200)),
                Segment(kind: 4, physical: 0, bytes: notes),
            ])
    }

    /// Like a kernel's own file: virtual addresses in the upper half, a PVH note and one by "Linux".
    static func linux() -> ELF {
        ELF(
            entry: 0x100_0000,
            segments: [
                Segment(virtual: 0xFFFF_FFFF_8100_0000, physical: 0x100_0000, bytes: [UInt8](1...200)),
                Segment(virtual: 0, physical: 0x101_0000, bytes: [9, 9, 9], memorySize: 0x2345),
                Segment(
                    kind: 4, physical: 0,
                    bytes: note("Xen", 18, [0x50, 8, 0, 1]) + note("Linux", 0x101, [0, 0, 0, 0])),
            ])
    }
}

/// A bzImage header of protocol 2.15 with a kernel of `sectors`-independent 4096 bytes behind it.
func bzImage(sectors: Int = 3, loadAddress: UInt64 = 0x100_0000, initSize: UInt32 = 0x10_0000) -> [UInt8] {
    var file = [UInt8](repeating: 0, count: (sectors + 1) * 512)
    file.put(UInt8(sectors), at: 0x1F1)
    file.put(256 as UInt32, at: 0x1F4)
    file.put(0xAA55 as UInt16, at: 0x1FE)
    file.put([0xEB, 0x6A], at: 0x200)
    file.put(Array("HdrS".utf8), at: 0x202)
    file.put(0x020F as UInt16, at: 0x206)
    file.put(0x7FFF_FFFF as UInt32, at: 0x22C)
    file.put(0x20_0000 as UInt32, at: 0x230)
    file.put(0x7F as UInt16, at: 0x236)
    file.put(2047 as UInt32, at: 0x238)
    file.put(loadAddress, at: 0x258)
    file.put(initSize, at: 0x260)
    file += (0..<4096).map { UInt8(truncatingIfNeeded: $0 / 16) }
    return file
}

/// A multiboot kernel that is loaded by the address fields of its header, which lies 32 bytes into the file.
func multiboot(
    flags: UInt32 = 0x1_0003, headerAddress: UInt32 = 0x10_0020, load: UInt32 = 0x10_0010, loadEnd: UInt32 = 0x10_0110,
    bssEnd: UInt32 = 0x10_0200, entry: UInt32 = 0x10_0040
) -> [UInt8] {
    var file = (0..<512).map { UInt8(truncatingIfNeeded: $0) }
    file.put(0x1BAD_B002 as UInt32, at: 32)
    file.put(flags, at: 36)
    file.put(0 &- (0x1BAD_B002 &+ flags), at: 40)
    for (i, field) in [headerAddress, load, loadEnd, bssEnd, entry].enumerated() { file.put(field, at: 44 + i * 4) }
    return file
}
