import Platform
import Testing

@testable import Virtio

private func frame(_ count: Int, _ seed: UInt8 = 1) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0) &* 7 &+ seed }
}
private let header: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]

@Suite struct WireTests {
    @Test func itIsAnEthernetCard() throws {
        let wire = try TestWire(mtu: 1400), card = wire.ends[1]
        #expect(card.configuration(0) == 0x1041_1AF4 && card.configuration(8) == 0x0200_0001)
        #expect(card.configuration(0x2C) == 0x0041_1AF4)
        card.start(TestWire.features)
        #expect((0..<6).map { card.port(0x50 + $0, 1) } == [0, 2, 3, 4, 5, 7])
        // The link's state, one pair of queues or none, the MTU.
        #expect(card.port(0x56, 2) == 0 && card.port(0x58, 2) == 0 && card.port(0x5A, 2) == 1400)
        #expect(card.port(0x12, 2) == 2 && card.isLive)
    }

    @Test func framesArriveAsTheyAre() throws {
        let wire = try TestWire()
        wire.start()
        wire.offerBuffers(1)
        for (i, count) in [14, 60, 1514, 1518].enumerated() {
            wire.send(0, frame(count, UInt8(i)), head: UInt16(i))
            #expect(wire.serve(0) == .idle && wire.ends[0].used(1) == UInt16(i) + 1)
            #expect(wire.serve(1) == .idle)
            #expect(wire.received(1, i, count) == header + frame(count, UInt8(i)))
            #expect(wire.ends[1].usedLength(0, UInt16(i)) == 12 + UInt32(count))
        }
        #expect(wire.counters(0).frames == 4 && wire.counters(0).bytes == 14 + 60 + 1514 + 1518)
        #expect(wire.counters(0).dropped == 0 && wire.counters(1).frames == 0)
        // The other way, in pieces on both sides: the header ends within the second one.
        wire.offerBuffers(0, size: 40)
        for i in 0..<3 {
            wire.ends[0].describe(
                0, i, TestConsole.buffers + UInt64(i) * 100, [5, 30, 100][i], i < 2 ? 3 : 2, next: 1 + UInt16(i))
        }
        let bytes = [UInt8](repeating: 0xEE, count: 12) + frame(100)
        for (i, byte) in bytes.enumerated() { wire.ends[1].store(byte, TestConsole.buffers + UInt64(i)) }
        for i in 0..<4 {
            let start = [0, 7, 11, 50][i], end = [7, 11, 50, 112][i]
            wire.ends[1].describe(
                1, i, TestConsole.buffers + UInt64(start), UInt32(end - start), i < 3 ? 1 : 0, next: UInt16(i) + 1)
        }
        wire.ends[1].offer(1, 0)
        wire.serve(1)
        wire.serve(0)
        let found =
            wire.ends[0].bytes(TestConsole.buffers, 5) + wire.ends[0].bytes(TestConsole.buffers + 100, 30)
            + wire.ends[0].bytes(TestConsole.buffers + 200, 77)
        #expect(found == header + frame(100) && wire.ends[0].usedLength(0, 0) == 112)
    }

    @Test func whatIsNoFrameIsDropped() throws {
        let wire = try TestWire(mtu: 500)
        wire.start()
        wire.offerBuffers(1)
        // Too short, too long for the MTU and a VLAN tag, or no header at all.
        for (i, count) in [0, 13, 519, 1600].enumerated() {
            wire.send(0, frame(count), head: UInt16(i))
            wire.serve(0)
        }
        wire.ends[0].send([1, 2, 3], head: 4)
        wire.serve(0)
        #expect(wire.counters(0).dropped == 5 && wire.ends[0].used(1) == 5)
        wire.send(0, frame(518), head: 5)
        wire.serve(0)
        wire.serve(1)
        #expect(wire.ends[1].used(0) == 1 && wire.received(1, 0, 518) == header + frame(518))
        // A buffer in which it has no room stays the driver's; the frame is lost.
        let small = try TestWire()
        small.start()
        small.offerBuffers(1, size: 100)
        small.send(0, frame(89))
        small.serve(0)
        small.serve(1)
        #expect(small.ends[1].used(0) == 0 && small.counters(1).dropped == 1)
        small.send(0, frame(88), head: 1)
        small.serve(0)
        small.serve(1)
        #expect(small.ends[1].used(0) == 1 && small.received(1, 0, 88) == header + frame(88))
    }

    @Test func theLinkFollowsTheOtherDriver() throws {
        let wire = try TestWire()
        wire.ends[0].start(TestWire.features)
        wire.serve(0)
        #expect(wire.ends[0].port(0x56, 2) == 0)
        // Nobody is there: what is sent goes nowhere, and the driver has its buffers back.
        wire.send(0, frame(60))
        wire.serve(0)
        // Nor is anybody interrupted for it: a core that has never come may be anywhere.
        #expect(wire.counters(0).dropped == 1 && wire.ends[0].used(1) == 1 && !wire.isChanged(0) && !wire.tells(0))
        wire.ends[1].start(TestWire.features)
        wire.serve(1)
        #expect(wire.isChanged(1) && wire.ends[1].port(0x56, 2) == 1)
        _ = wire.ends[0].port(0x10, 2, 1)
        wire.serve(0)
        #expect(wire.ends[0].port(0x56, 2) == 1 && wire.ends[0].nextInterrupt() != nil)
        #expect(wire.isChanged(0) && !wire.isChanged(0) && !wire.isChanged(1) && !wire.tells(0))
        // A driver that resets the device, one that may reach no memory, and a guest that ends.
        let goes: [(TestConsole) -> Void] = [
            { _ = $0.port(0x14, 1, 0) }, { _ = $0.configuration(4, 1, size: 2) }, { $0.reset() },
        ]
        for go in goes {
            go(wire.ends[1])
            wire.serve(1)
            #expect(wire.isChanged(1) && !wire.tells(1))
            wire.serve(0)
            #expect(wire.ends[0].port(0x56, 2) == 0 && wire.ends[0].nextInterrupt() != nil)
            wire.ends[1].start(TestWire.features)
            wire.serve(1)
            wire.serve(0)
            #expect(wire.ends[0].port(0x56, 2) == 1)
            _ = wire.ends[0].nextInterrupt()
            _ = wire.isChanged(1)
        }
    }

    @Test func nothingOfAnEarlierGuestReachesTheNext() throws {
        let wire = try TestWire()
        wire.start()
        // Sent to a guest that ends before it has taken it.
        wire.send(0, frame(60, 1))
        wire.serve(0)
        wire.ends[1].reset()
        wire.serve(1)
        wire.ends[1].start(TestWire.features)
        wire.ends[1].added = [0, 0]
        wire.offerBuffers(1)
        wire.serve(1)
        #expect(wire.ends[1].used(0) == 0)
        // Sent by somebody who has not seen yet that there is another one.
        wire.send(0, frame(60, 2), head: 1)
        _ = wire.ends[1].port(0x14, 1, 0)
        wire.serve(1)
        wire.ends[1].store(UInt16(0), TestConsole.area(0) + 0x1002)
        wire.ends[1].start(TestWire.features)
        wire.ends[1].added = [0, 0]
        wire.offerBuffers(1)
        wire.serve(1)
        wire.serve(0)
        wire.serve(1)
        #expect(wire.ends[1].used(0) == 1, "that one is for the guest that was there when it was sent")
        // Sent by a guest that has ended since.
        wire.send(0, frame(60, 3), head: 2)
        wire.serve(0)
        wire.ends[0].reset()
        wire.serve(0)
        wire.clear(0)
        wire.serve(1)
        #expect(wire.ends[1].used(0) == 1)
    }

    /// Not even to be read: who comes later may have a model that does not keep to the numbers.
    @Test func theSenderClearsWhatItHasSentToWhoeverWasThere() throws {
        let wire = try TestWire()
        _ = wire.startAndTell()
        wire.serve(1)
        #expect(!wire.isClear(0, from: 4096))
        wire.ends[1].reset()
        wire.serve(1)
        wire.serve(0)
        #expect(wire.isClear(0, from: 4096))
    }

    /// The other numbers stay, which the other end may be reading.
    @Test func whatIsBesideTheNumbersIsCleared() throws {
        let wire = try TestWire()
        wire.fill(0, 0..<4096)
        wire.renew(0)
        let numbers: [Range<Int>] = [64..<68, 128..<136]
        let page = UnsafeRawBufferPointer(start: wire.memory, count: 4096)
        let wrong = (4..<4096).filter { at in page[at] != (numbers.contains { $0.contains(at) } ? 0xA5 : 0) }
        #expect(wrong.isEmpty)
    }

    /// Whatever the model of the last driver has left there: the one before it, or its own.
    @Test func theNextDriverIsNobodyWhoWasThere() throws {
        for life in [7, 6, 8, .max, 0] as [UInt32] {
            let wire = try TestWire()
            wire.spoil(0, 0, life)
            wire.renew(0)
            #expect(wire.number(0) & 1 == 0 && ![life, life &+ 1, life &- 1].contains(wire.number(0) &+ 1))
        }
    }

    @Test func nobodyIsToldMoreOftenThanHeWants() throws {
        let wire = try TestWire()
        #expect(wire.startAndTell())
        // Until it has looked, it is not told again.
        for i in 1..<5 as Range<UInt16> {
            wire.send(0, frame(60), head: i)
            wire.serve(0)
            #expect(!wire.tells(0))
        }
        wire.serve(1)
        #expect(wire.ends[1].used(0) == 5)
        wire.send(0, frame(60), head: 5)
        wire.serve(0)
        // What it may not be told now is owed.
        #expect(!wire.tells(0, false) && !wire.tells(0, false) && wire.counters(0).kicks == 1)
        #expect(wire.tells(0) && wire.counters(0).kicks == 2 && !wire.tells(0))
    }

    /// What an end wants to be told of is looked at, not what has changed: it is told where it says so late, too.
    @Test func whoAsksLateIsToldAllTheSame() throws {
        let wire = try TestWire()
        #expect(wire.startAndTell())
        wire.serve(1)
        wire.spoil(1, 132, 0)
        for i in 1..<4 as Range<UInt16> {
            wire.send(0, frame(60), head: i)
            wire.serve(0)
        }
        // The other end's announcement of an earlier frame, seen late, is one all the same; and one alone.
        #expect(!wire.tells(0), "that was told")
        wire.spoil(1, 132, 2)
        #expect(wire.tells(0) && !wire.tells(0))
        wire.spoil(1, 132, 9)
        #expect(!wire.tells(0), "a frame that was not sent yet")
    }

    @Test func aRateIsKept() throws {
        let wire = try TestWire()
        wire.start()
        wire.offerBuffers(1)
        var left = 130
        for i in 0..<4 as Range<UInt16> {
            wire.send(0, frame(60), head: i)
            wire.serve(0) { bytes in
                guard left >= bytes else { return false }
                left -= bytes
                return true
            }
        }
        #expect(wire.counters(0).frames == 2 && wire.counters(0).dropped == 2 && wire.ends[0].used(1) == 4)
    }

    @Test func aFullWireDropsAndOneExitDoesSoMuchWork() throws {
        let wire = try TestWire()
        wire.start()
        for i in 0..<140 {
            wire.send(0, frame(60, UInt8(i)), head: UInt16(i & 7))
            wire.serve(0)
        }
        #expect(wire.counters(0).frames == 128 && wire.counters(0).dropped == 12)
        // A driver that never has enough buffers takes 64 at most.
        for round in 0..<16 {
            wire.offerBuffers(1)
            #expect(wire.serve(1) == .idle && wire.ends[1].used(0) == UInt16(round + 1) * 8)
            #expect(wire.received(1, 0, 60) == header + frame(60, UInt8(round * 8)))
        }
        wire.offerBuffers(1)
        wire.serve(1)
        #expect(wire.ends[1].used(0) == 128)
    }

    /// What the other end's instance leaves in its half is a number, whatever it is.
    @Test func nothingInTheOthersHalfLeadsAnywhere() throws {
        for value in [0, 1, 127, 128, 129, 0x7FFF_FFFF, .max] as [UInt32] {
            for offset in [0, 64, 128, 132] {
                let wire = try TestWire()
                wire.start()
                wire.offerBuffers(1)
                wire.send(0, frame(60))
                wire.serve(0)
                wire.spoil(0, offset, value)
                for slot in 0..<128 { wire.spoilTag(0, slot, UInt64(value) << 16 | 0xFFFF) }
                wire.send(1, frame(60))
                for _ in 0..<3 { wire.serve(1) }
                _ = wire.tells(1)
                #expect(wire.ends[1].used(0) <= 8)
                for i in 0..<Int(wire.ends[1].used(0)) { #expect(wire.ends[1].usedLength(0, UInt16(i)) <= 1530) }
            }
        }
        // Every length that a place can name.
        for length in [0, 13, 14, 1518, 1519, 2040, 0xFFFF] as [UInt64] {
            let wire = try TestWire()
            wire.start()
            wire.offerBuffers(1, size: 4000)
            wire.send(0, frame(60))
            wire.serve(0)
            wire.spoilTag(0, 0, length | 1 << 16 | 1 << 40)
            wire.serve(1)
            #expect(wire.ends[1].used(0) == (length <= 1518 ? 1 : 0))
        }
    }

    @Test func aQueueThatCannotBeStopsTheCardAndTakesTheLinkDown() throws {
        let wire = try TestWire()
        wire.start()
        wire.ends[0].describe(1, 0, UInt64(TestConsole.memorySize) - 4, 60, 0)
        wire.ends[0].offer(1, 0)
        wire.serve(0)
        #expect(!wire.ends[0].isLive && wire.ends[0].status() & 64 != 0)
        wire.serve(1)
        #expect(wire.ends[1].port(0x56, 2) == 0 && wire.ends[1].isLive)
    }
}
