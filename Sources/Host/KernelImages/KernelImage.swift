import Foundation

/// Why a kernel's image says nothing of where it patches itself.
public struct KernelImageError: Error, CustomStringConvertible, Equatable {
    public let description: String
    init(_ description: String) { self.description = description }
}

/// A Linux kernel as an ELF file, by its loaded segments and the names that it keeps for itself (kallsyms).
public struct KernelImage {
    struct Segment {
        let virtual: UInt64
        let content: Range<Int>
    }

    let bytes: [UInt8]
    private let segments: [Segment]
    /// Virtual addresses by name; where a name is there more than once, the first.
    public private(set) var symbols: [String: UInt64] = [:]
    /// All of those that begin so.
    private(set) var trampolines: [UInt64] = []

    /// - Parameter file: an ELF file, or a bzImage with one inside.
    public init(_ file: Data) throws {
        bytes = [UInt8](try KernelPayload.unpack(file))
        guard bytes.count > 64, bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1]) else {
            throw KernelImageError("it is no 64-bit ELF file")
        }
        var segments: [Segment] = []
        let table = Int(clamping: Self.number(bytes, 32, 8)), count = Int(Self.number(bytes, 56, 2))
        for i in 0..<count {
            let at = table + 56 * i
            guard at >= 64, at + 56 <= bytes.count else { throw KernelImageError("its program headers are cut short") }
            let offset = Int(clamping: Self.number(bytes, at + 8, 8)),
                size = Int(clamping: Self.number(bytes, at + 32, 8))
            guard Self.number(bytes, at, 4) == 1 else { continue }
            guard offset <= bytes.count, size <= bytes.count - offset else {
                throw KernelImageError("a segment is cut short")
            }
            segments.append(Segment(virtual: Self.number(bytes, at + 16, 8), content: offset..<offset + size))
        }
        guard !segments.isEmpty else { throw KernelImageError("it loads nothing") }
        self.segments = segments
        let found = try KernelSymbols(bytes, base: segments[0].virtual)
        for (name, address) in found.all {
            if symbols[name] == nil { symbols[name] = address }
            if name.hasPrefix("__SCT__") { trampolines.append(address) }
        }
    }

    /// Little endian.
    static func number(_ bytes: [UInt8], _ at: Int, _ count: Int) -> UInt64 {
        guard at >= 0, at + count <= bytes.count else { return 0 }
        return (0..<count).reduce(0) { $0 | UInt64(bytes[at + $1]) << UInt64($1 * 8) }
    }

    func symbol(_ name: String) throws -> UInt64 {
        guard let address = symbols[name] else { throw KernelImageError("it does not name \(name)") }
        return address
    }

    /// Of the loaded image; nil where the file has none of that.
    func content(_ address: UInt64, _ count: Int) -> UInt64? {
        for segment in segments where address >= segment.virtual {
            let offset = address - segment.virtual
            guard offset < UInt64(segment.content.count), segment.content.count - Int(offset) >= count else { continue }
            return Self.number(bytes, segment.content.lowerBound + Int(offset), count)
        }
        return nil
    }

    /// What a word of 32 bits at `address` that is relative to itself leads to.
    func target(_ address: UInt64) -> UInt64? {
        content(address, 4).map { address &+ UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: $0))) }
    }
}
