import Control
import Platform
import Virtio

/// A partition's console, or its management link, as its virtio function reaches it: what comes is in a ring, what goes out is left
/// for root mode, which has said how much it takes.
struct ModelConsole: VirtioPeer {
    private let input: ByteRing
    private let output: UInt64
    let room: Int

    /// - Precondition: what `page` names is mapped as it says, and a page of output at `output`.
    @unsafe init(_ page: borrowing ModelPage, output: UInt64, isControl: Bool) {
        input = unsafe isControl ? PartitionRings.controlOut(page.rings) : PartitionRings.consoleIn(page.rings)
        self.output = output
        room = Int(min(page.room[isControl ? 1 : 0], ModelMemory.pieceSize))
    }

    private var count: UnsafeMutablePointer<Int> {
        unsafe UnsafeMutablePointer(bitPattern: UInt(output)).unsafelyUnwrapped
    }

    func take(_ bytes: UnsafeRawBufferPointer) -> Int {
        let taken = unsafe min(bytes.count, room - count.pointee)
        guard taken > 0, let start = bytes.baseAddress else { return 0 }
        let place = unsafe UInt(output) + 16 + UInt(count.pointee)
        unsafe UnsafeMutableRawPointer(bitPattern: place).unsafelyUnwrapped.copyMemory(from: start, byteCount: taken)
        unsafe count.pointee += taken
        return taken
    }
    func give(_ bytes: UnsafeMutableRawBufferPointer) -> Int { unsafe input.take(into: bytes) }
    var hasBytes: Bool { input.peek() != nil }

    // The management server is always there, and what has no room in its ring waits for its kick.
    var opener: UInt32 { 1 }
    var isSpent: Bool { false }
    var isFull: Bool { false }
    var isDrained: Bool { true }
    func update(isOpen: Bool) {}
    func follow(_ opener: UInt32) {}
    func drop() {}
    func discard() { input.removeAll() }
    // What a program has asked for is nothing to the next one.
    var takesBacklog: Bool { false }
    func rest() -> Bool { false }
}
