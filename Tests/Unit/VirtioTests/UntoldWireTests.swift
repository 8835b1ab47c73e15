import Platform
import Testing

@testable import Virtio

/// The end of a wire whose guest is never interrupted.
@Suite struct UntoldWireTests {
    private static let frame = [UInt8](repeating: 7, count: 60)

    /// `kick: never`: nobody would tell it of a link that comes up, and a buffer that it gives back is no reason to exit.
    @Test func anEndThatIsNotToldHasALinkAndNoExitForItsBuffers() throws {
        let wire = try TestWire(), end = wire.ends[1]
        wire.leaveAlone(1)
        end.start(TestWire.features)
        _ = end.port(0x10, 2, 1)
        wire.serve(1)
        #expect(end.port(0x56, 2) == 1 && end.nextInterrupt() != nil && wire.counters(1).link == 0)
        wire.send(1, Self.frame)
        wire.serve(1)
        #expect(wire.counters(1).dropped == 1 && end.used(1) == 1)
        wire.ends[0].start(TestWire.features)
        wire.serve(0)
        #expect(wire.ends[0].port(0x56, 2) == 1)
        for head in 0..<8 as Range<UInt16> { wire.send(0, Self.frame, head: head) }
        wire.serve(0)
        for head in 0..<8 as Range<UInt16> { wire.send(0, Self.frame, head: head) }
        wire.serve(0)
        // Eight of sixteen find a buffer; those that are given back wait for the next exit with what is left.
        wire.offerBuffers(1)
        wire.serve(1)
        #expect(end.used(0) == 8)
        for head in 0..<8 as Range<UInt16> { #expect(!end.offer(0, head)) }
        wire.serve(1)
        #expect(end.used(0) == 16 && !end.offer(0, 0) && end.port(0x56, 2) == 1)
        wire.ends[0].reset()
        wire.serve(0)
        wire.serve(1)
        #expect(end.port(0x56, 2) == 1 && wire.counters(1).link == 0)
    }

    @Test func anEndThatIsToldNotifiesOfItsBuffers() throws {
        let other = try TestWire()
        other.start()
        for head in 0..<8 as Range<UInt16> { other.send(0, Self.frame, head: head) }
        other.serve(0)
        for head in 0..<8 as Range<UInt16> { other.send(0, Self.frame, head: head) }
        other.serve(0)
        other.offerBuffers(1)
        other.serve(1)
        #expect(other.ends[1].used(0) == 8 && other.ends[1].offer(0, 0))
    }
}
