import Platform

/// A loadable ELF file (System V ABI, chapters 4 and 5), 32- or 64-bit, whose headers have been checked.
struct ELFImage {
    static let maxSegments: UInt16 = 32

    struct Segment: Sendable {
        var kind: UInt32
        var offset: UInt64
        var virtualAddress: UInt64
        var physicalAddress: UInt64
        var fileSize: UInt64
        var memorySize: UInt64
        var alignment: UInt64
        var isLoaded: Bool { kind == 1 && memorySize > 0 }
        var isNote: Bool { kind == 4 }
    }

    let image: ImageReader
    let entry: UInt64
    let is64: Bool
    let segmentCount: UInt64
    private let table: UInt64

    static func isPresent(in image: ImageReader) -> Bool { image.matches("\u{7F}ELF", at: 0) }

    init(_ image: ImageReader) throws(LoadError) {
        self.image = image
        let elfClass = try image.load(UInt8.self, at: 4)
        guard elfClass == 1 || elfClass == 2 else { throw .badHeader }
        is64 = elfClass == 2
        // Little endian, version 1, an executable.
        guard try image.load(UInt8.self, at: 5) == 1, try image.load(UInt8.self, at: 6) == 1,
            try image.load(UInt16.self, at: 16) == 2
        else { throw .badHeader }
        let machine = try image.load(UInt16.self, at: 18)
        // A 32-bit file for x86-64 is of the x32 kind; what it is entered by here is 32-bit code either way.
        guard machine == 3 || machine == 62 else { throw .wrongMachine }
        let entrySize: UInt16
        let count: UInt16
        if is64 {
            entry = try image.load(UInt64.self, at: 24)
            table = try image.load(UInt64.self, at: 32)
            entrySize = try image.load(UInt16.self, at: 54)
            count = try image.load(UInt16.self, at: 56)
        } else {
            entry = UInt64(try image.load(UInt32.self, at: 24))
            table = UInt64(try image.load(UInt32.self, at: 28))
            entrySize = try image.load(UInt16.self, at: 42)
            count = try image.load(UInt16.self, at: 44)
        }
        guard count > 0 else { throw .nothingToLoad }
        guard count <= Self.maxSegments else { throw .tooManyHeaders }
        guard entrySize == (is64 ? 56 : 32) else { throw .badHeader }
        segmentCount = UInt64(count)
        _ = unsafe try image.slice(at: table, count: segmentCount * UInt64(entrySize))
    }

    /// - Parameter index: below `segmentCount`.
    func segment(_ index: UInt64) throws(LoadError) -> Segment {
        guard is64 else { return try segment32(table + index * 32) }
        let at = table + index * 56
        return Segment(
            kind: try image.load(UInt32.self, at: at), offset: try image.load(UInt64.self, at: at + 8),
            virtualAddress: try image.load(UInt64.self, at: at + 16),
            physicalAddress: try image.load(UInt64.self, at: at + 24),
            fileSize: try image.load(UInt64.self, at: at + 32), memorySize: try image.load(UInt64.self, at: at + 40),
            alignment: try image.load(UInt64.self, at: at + 48))
    }

    private func segment32(_ at: UInt64) throws(LoadError) -> Segment {
        Segment(
            kind: try image.load(UInt32.self, at: at), offset: UInt64(try image.load(UInt32.self, at: at + 4)),
            virtualAddress: UInt64(try image.load(UInt32.self, at: at + 8)),
            physicalAddress: UInt64(try image.load(UInt32.self, at: at + 12)),
            fileSize: UInt64(try image.load(UInt32.self, at: at + 16)),
            memorySize: UInt64(try image.load(UInt32.self, at: at + 20)),
            alignment: UInt64(try image.load(UInt32.self, at: at + 28)))
    }
}
