import Foundation

/// The section of `BULKHEAD.EFI` that has its owner's public key, behind all that the linker has made: the program then starts what
/// this owner has signed and nothing else. Secure Boot's signature covers it (Microsoft PE format; `image.ld`).
public enum OwnerSection {
    private static let sectionCount = 0x46, imageSize = 0x90, header = 0x198, pageSize = 4096

    /// The program with the section.
    public static func add(_ key: [UInt8], to program: Data) throws(MachineError) -> Data {
        var image = [UInt8](program)
        guard image.count > pageSize, image.count % pageSize == 0, Array(image[0x40..<0x44]) == Array("PE\0\0".utf8),
            number(image, sectionCount, 2) == 2, number(image, imageSize, 4) == image.count, key.count <= pageSize
        else { throw .impossible("this is no BULKHEAD.EFI without an owner's key; build it with Tools/build-metal") }
        let end = image.count
        put(&image, 3, sectionCount, 2)
        put(&image, end + pageSize, imageSize, 4)
        image.replaceSubrange(header..<header + 8, with: Array(".owner\0\0".utf8))
        // Bytes of it and where, in memory and in the file; initialized data that is read.
        for (i, value) in [key.count, end, pageSize, end].enumerated() { put(&image, value, header + 8 + i * 4, 4) }
        put(&image, 0x4000_0040, header + 36, 4)
        return Data(image + key + [UInt8](repeating: 0, count: pageSize - key.count))
    }

    /// The key that a program carries; nil without one. Only what lies where the hypervisor looks for it counts: at the end of what
    /// the linker has made, in the last page of memory, whatever a header says.
    public static func key(in program: Data) -> [UInt8]? {
        let image = [UInt8](program.prefix(most))
        guard image.count > pageSize, Array(image[0x40..<0x44]) == Array("PE\0\0".utf8),
            number(image, sectionCount, 2) == 3, Array(image[header..<header + 8]) == Array(".owner\0\0".utf8)
        else { return nil }
        let size = number(image, header + 8, 4), start = number(image, header + 12, 4)
        guard size <= pageSize, start == number(image, imageSize, 4) - pageSize, start <= image.count - size,
            number(image, header + 16, 4) == pageSize, number(image, header + 20, 4) == start
        else { return nil }
        return Array(image[start..<start + size])
    }

    /// That of a program in a file; nil too where there is no such file. No more than that is read, whatever a disk says.
    public static func key(of file: URL) -> [UInt8]? {
        guard SafeFile.kind(of: file) == S_IFREG, let handle = try? FileHandle(forReadingFrom: file) else { return nil }
        defer { try? handle.close() }
        return (try? handle.read(upToCount: most)).flatMap { key(in: $0) }
    }

    /// The most bytes of a program.
    public static let most = 64 << 20

    private static func number(_ image: [UInt8], _ at: Int, _ count: Int) -> Int {
        (0..<count).reduce(0) { $0 | Int(image[at + $1]) << (8 * $1) }
    }
    private static func put(_ image: inout [UInt8], _ value: Int, _ at: Int, _ count: Int) {
        for i in 0..<count { image[at + i] = UInt8(truncatingIfNeeded: value >> (8 * i)) }
    }
}
