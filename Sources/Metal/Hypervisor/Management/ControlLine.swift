import Control
import Silicon
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
    func ring(received: Bool, room: Bool)
}

extension SerialPort: ControlLine {
    var burst: Int { 16 }
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
    func ring(received: Bool, room: Bool) { if room { LocalAPIC.kick(apicID) } }
}
