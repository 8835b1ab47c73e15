import Control
import ControlClient
import Foundation
import Machines

/// A manager that asks for the list of partitions as fast as a serial line of 115200 baud carries it, and reads as fast.
public struct LinkFlood {
    /// Requests, and the whole answers to them.
    public private(set) var asked = 0
    public private(set) var answered = 0

    /// Bytes a second each way.
    static let rate = 11_520
    /// Requests that may be under way: more than the machine looks at in a while.
    static let ahead = 20

    public init(_ line: ByteStream, to machine: Machine, seconds: Double) throws {
        var receiver = FrameReceiver()
        let start = ContinuousClock.now
        let deadline = machine.deadline(seconds: seconds)
        var moved = 0
        while !deadline.isOver || (answered < asked && ContinuousClock.now - start < .seconds(seconds * 10)) {
            while !deadline.isOver, asked - answered < Self.ahead {
                try line.send(LinkFrame(UInt32(asked), ControlOperation.list.rawValue).bytes)
                asked += 1
            }
            // The socket holds some 280 bytes that were sent one by one, and then the machine's port is not ready.
            let bytes = try line.receive(timeout: .milliseconds(100))
            moved += bytes.count
            for byte in bytes {
                if let frame = receiver.frame(after: byte), frame.header.kind == .reply { answered += 1 }
            }
            let due = start + .microseconds(moved * 1_000_000 / Self.rate)
            Thread.sleep(forTimeInterval: max((due - .now) / .seconds(1), 0))
        }
    }
}
