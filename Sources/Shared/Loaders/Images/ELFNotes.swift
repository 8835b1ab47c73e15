import Platform

/// What the notes of an ELF file say about how to boot it.
struct BootNotes: Equatable, Sendable {
    /// There is a note by "Linux" (Linux include/linux/elfnote.h): the file is a Linux kernel.
    var isLinux = false
    /// Physical address of the 32-bit entry (Xen public/elfnote.h, `XEN_ELFNOTE_PHYS32_ENTRY`).
    var pvhEntry: UInt64?
}

extension ELFImage {
    static let maxNotes = 64

    func notes() throws(LoadError) -> BootNotes {
        var found = BootNotes()
        var budget = Self.maxNotes
        for i in 0..<segmentCount {
            let segment = try segment(i)
            if segment.isNote { try scan(segment, budget: &budget, into: &found) }
        }
        return found
    }

    private func scan(_ segment: Segment, budget: inout Int, into found: inout BootNotes) throws(LoadError) {
        _ = unsafe try image.slice(at: segment.offset, count: segment.fileSize)
        // Names and descriptors are padded to 4 bytes, descriptors in segments aligned to 8 to 8.
        let mask: UInt64 = segment.alignment == 8 ? 7 : 3
        let end = segment.offset + segment.fileSize
        var at = segment.offset
        while end - at >= 12 {
            guard budget > 0 else { throw .tooManyHeaders }
            budget -= 1
            let nameSize = UInt64(try image.load(UInt32.self, at: at))
            let size = UInt64(try image.load(UInt32.self, at: at + 4))
            let kind = try image.load(UInt32.self, at: at + 8)
            let name = at + 12
            let descriptor = segment.offset + ((name + nameSize - segment.offset + mask) & ~mask)
            // All terms are below 2^33 but for `at`, which lies within the image.
            guard descriptor + size <= end else { throw .truncated }
            if nameSize == 6, image.matches("Linux\0", at: name) { found.isLinux = true }
            if nameSize == 4, image.matches("Xen\0", at: name), kind == 18 {
                guard size == 4 || size == 8 else { throw .badHeader }
                found.pvhEntry =
                    size == 8
                    ? try image.load(UInt64.self, at: descriptor) : UInt64(try image.load(UInt32.self, at: descriptor))
            }
            at = min(end, segment.offset + ((descriptor + size - segment.offset + mask) & ~mask))
        }
    }
}
