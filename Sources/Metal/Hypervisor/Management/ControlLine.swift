import Control
import Silicon
import Synchronization
import X86

/// What management requests come by, byte by byte, and their answers leave by.
protocol ControlLine {
    /// How many bytes one turn takes at most.
    var burst: Int { get }
    func read() -> UInt8?
    /// How many bytes can be put now.
    var room: Int { get }
    func put(_ byte: UInt8)
    /// Has this core take a turn when a byte comes, or when there is room for one.
    /// - Parameter hasMoved: whether this turn has taken or put any.
    func ring(received: Bool, room: Bool, hasMoved: Bool)
}

extension SerialPort: ControlLine {
    var burst: Int { 16 }
    func ring(received: Bool, room: Bool, hasMoved: Bool) { ring(received: received, room: room) }
}

/// The console of the control partition that leads here. Its own core moves the bytes between its guest and the rings, and kicks this
/// one; this one kicks it when there may be an answer.
struct PartitionLine: ControlLine {
    let page: Pointer<ControlPage>
    let apicID: UInt32

    var burst: Int { 512 }
    func read() -> UInt8? {
        guard let byte = page.controlIn.peek() else { return nil }
        page.controlIn.removeFirst()
        return byte
    }
    var room: Int { page.controlOut.room }
    func put(_ byte: UInt8) { page.controlOut.push(byte) }
    /// A guest that takes nothing is not kicked for it.
    func ring(received: Bool, room: Bool, hasMoved: Bool) { if hasMoved { LocalAPIC.kick(apicID) } }

    /// Whether the guest that was there before is: `loads` is its start.
    func hasGuest(_ loads: inout UInt64) -> Bool {
        let now = page.value.loads.load(ordering: .acquiring), state = page.value.state
        defer { loads = now }
        return now == loads && (state == .running || state == .paused)
    }
}
