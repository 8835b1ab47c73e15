import Control
import Synchronization

extension ByteRing {
    /// Takes as many bytes as are there and `buffer` holds, from a ring whose bytes are offered.
    /// - Returns: how many.
    package func take(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let end = unsafe head.pointee.load(ordering: .acquiring), at = unsafe tail.pointee.load(ordering: .relaxed)
        let count = Int(min(min(end &- at, capacity), UInt64(buffer.count)))
        unsafe forEachPart(at, count) { part, start, count in
            unsafe (buffer.baseAddress.unsafelyUnwrapped + start).copyMemory(from: part, byteCount: count)
            unsafe part.initializeMemory(as: UInt8.self, repeating: 0, count: count)
        }
        unsafe tail.pointee.store(at &+ UInt64(count), ordering: .releasing)
        return count
    }
}
