import Foundation
import Machines

/// Physical memory of a stopped machine, saved to a file.
@safe
public final class PhysicalMemory {
    /// Bytes, from address 0 on.
    public let size: UInt64
    private let bytes: UnsafeMutableRawBufferPointer

    /// - Throws: `MachineError.missing` when the file cannot be mapped.
    public init(_ file: URL) throws {
        let descriptor = unsafe open(file.path, O_RDONLY | O_CLOEXEC)
        defer { close(descriptor) }
        let count = Int(lseek(descriptor, 0, SEEK_END))
        let mapped = unsafe mmap(nil, max(count, 0), PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard descriptor >= 0, count > 0, let start = unsafe mapped, unsafe start != MAP_FAILED else {
            throw MachineError.missing(file: file.path, hint: "QEMU was to write it")
        }
        unsafe bytes = UnsafeMutableRawBufferPointer(start: start, count: count)
        size = UInt64(count)
    }

    deinit { unsafe munmap(bytes.baseAddress, bytes.count) }

    /// A value at an address; nil where there is no memory.
    public func load<T: BitwiseCopyable>(_ address: UInt64, as: T.Type = T.self) -> T? {
        let count = UInt64(MemoryLayout<T>.size)
        guard size >= count, address <= size - count else { return nil }
        return unsafe bytes.loadUnaligned(fromByteOffset: Int(address), as: T.self)
    }

    /// Where `pattern` lies, at any alignment: at most `limit` addresses, in ascending order. It has a byte that is neither
    /// 0 nor FFh, as random ones do: memory is full of those.
    public func find(_ pattern: [UInt8], limit: Int = 64) -> [UInt64] {
        guard let key = pattern.firstIndex(where: { $0 != 0 && $0 != 0xFF }), pattern.count <= size else { return [] }
        var found: [UInt64] = []
        var offset = key
        // The key byte of a match lies in this range, so that the whole match lies in the mapping.
        let end = Int(size) - pattern.count + key
        while found.count < limit, offset <= end,
            let hit = unsafe memchr(base + offset, Int32(pattern[key]), end - offset + 1)
        {
            let start = unsafe UnsafeRawPointer(hit) - base - key
            if unsafe memcmp(base + start, pattern, pattern.count) == 0 { found.append(UInt64(start)) }
            offset = start + key + 1
        }
        return found
    }

    /// Whether every byte of a range is zero; false where there is no memory.
    public func isZero(_ range: Range<UInt64>) -> Bool {
        guard !range.isEmpty, range.upperBound <= size else { return false }
        let start = unsafe base + Int(range.lowerBound)
        return unsafe start.load(as: UInt8.self) == 0 && memcmp(start, start + 1, range.count - 1) == 0
    }

    /// Whether every byte is the same.
    public func isSame(as other: PhysicalMemory) -> Bool {
        unsafe size == other.size && memcmp(base, other.base, Int(size)) == 0
    }

    private var base: UnsafeRawPointer { unsafe UnsafeRawPointer(bytes.baseAddress.unsafelyUnwrapped) }
}
