import Control
import Virtio

/// A partition's console as its virtio function reaches it.
struct ConsoleRings: VirtioStream {
    let base: UInt64
    /// Whether it leads to the management server. Then nothing gives way: what that has no room for waits in the guest.
    let isControl: Bool
    private var output: ByteRing { unsafe isControl ? PartitionRings.controlIn(base) : PartitionRings.consoleOut(base) }
    private var input: ByteRing { unsafe isControl ? PartitionRings.controlOut(base) : PartitionRings.consoleIn(base) }

    /// Whether `count` bytes more would push out what a reader has not read, one who is not given up.
    func lacksReader(_ lost: UInt64, _ count: Int) -> Bool {
        !output.hasRoom(for: UInt64(count)) && output.noted != lost
    }

    func take(_ bytes: UnsafeRawBufferPointer) -> Int {
        let count = isControl ? min(bytes.count, output.room) : bytes.count
        unsafe output.push(UnsafeRawBufferPointer(start: bytes.baseAddress, count: count))
        return count
    }
    func give(_ bytes: UnsafeMutableRawBufferPointer) -> Int { unsafe input.take(into: bytes) }
    var hasBytes: Bool { input.peek() != nil }
}
