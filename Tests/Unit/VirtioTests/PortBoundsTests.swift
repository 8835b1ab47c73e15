import Platform
import Testing

@testable import Virtio

/// What a hostile driver says by the control queues, and what the other end's instance may leave in its half.
@Suite struct PortBoundsTests {
    /// A port that is open at both ends.
    private func opened() throws -> TestPort {
        let port = try TestPort()
        port.open()
        return port
    }
    /// Whether bytes still come from the first end to the second, or the other way.
    private func carries(_ port: TestPort, from: Int = 0) -> Bool {
        port.settle()
        port.read(1 - from)
        port.received[1 - from] = []
        port.carry([1, 2, 3], from: from)
        return port.received[1 - from].suffix(3) == [1, 2, 3]
    }

    @Test func whatIsNoMessageIsIgnored() throws {
        let port = try opened(), end = port.ends[0]
        // Other ports, events that are none, and those of the device.
        for number in [1, 31, 1 << 31, .max] as [UInt32] {
            for event in [3, 6] as [UInt16] { port.say(0, event, 0, port: number) }
        }
        for event in [1, 2, 4, 5, 7, 8, .max] as [UInt16] { port.say(0, event, 0) }
        port.say(0, 0, 0)
        port.say(0, 3, 0)
        // Too short, nothing at all, and in pieces; with one byte more it would close the end.
        end.store(0x0000_0006_0000_0000 as UInt64, TestConsole.buffers + 0x1000)
        for lengths in [[7], [0], [3, 4]] as [[UInt32]] {
            for (i, length) in lengths.enumerated() {
                end.describe(3, i, TestConsole.buffers + 0x1000, length, i + 1 < lengths.count ? 1 : 0, next: 1)
            }
            end.offer(3, 0)
            port.serve(0)
        }
        #expect(port.told(0).isEmpty && end.isLive && carries(port) && port.counters(0).link == 1)
        // One that is long, in pieces, is one.
        end.store(0x0000_0006_0000_0000 as UInt64, TestConsole.buffers + 0x1000)
        for (i, piece) in [(0, 5), (5, 100)].enumerated() {
            end.describe(3, i, TestConsole.buffers + 0x1000 + UInt64(piece.0), UInt32(piece.1), i == 0 ? 1 : 0, next: 1)
        }
        end.offer(3, 0)
        port.serve(0)
        #expect(port.number(0, 0) & 1 == 0, "the end is closed")
    }

    /// A piece whose sender writes it anew whenever it is copied: here each copy moves the next number into its place. It is never
    /// believed, and one exit looks at it as often as there are pieces.
    @Test func aPieceThatAlwaysChangesEndsTheExit() throws {
        let port = try opened(), place = port.piece(0, Int(port.number(0, 64) & 127))
        port.waiting[0] = [1]
        port.write(0)
        port.serve(0)
        let tag = place.load(as: UInt64.self)
        #expect(tag & 0xFFFF == 1)
        for i in 0..<252 { place.storeBytes(of: tag + 2015 - UInt64(i), toByteOffset: i * 8, as: UInt64.self) }
        var end = port.ports[1]
        end.update(isOpen: true)
        #expect(end.give(UnsafeMutableRawBufferPointer(start: place, count: 2016)) == 0)
        #expect(place.load(as: UInt64.self) == tag + 2015 - 128 && end.isSpent)
    }

    /// An end that always changes hands, and always has sent more than one exit takes, has the core go on at once for nothing of it.
    @Test func whoGoesOnChangingDoesNotKeepTheCore() throws {
        let port = try opened(), life = port.number(1, 0)
        for round in 1...40 as ClosedRange<UInt32> {
            port.spoil(1, 64, port.number(0, 128) &+ 128)
            port.spoil(1, 0, life &+ 2 * round)
            #expect(port.serve(0) == .idle, "round \(round)")
        }
    }

    @Test func queuesThatCannotBeAreRefused() throws {
        let end = UInt64(TestConsole.memorySize)
        let cases: [(queue: Int, address: UInt64, length: UInt32, flags: UInt16)] = [
            (3, end - 4, 8, 0), (3, end, 8, 0), (3, .max - 3, 8, 0), (3, 0x1000, 8, 2), (3, 0x1000, .max, 0),
            (3, 0x1000, 8, 1), (3, 0xFEE0_0000, 8, 0), (2, end - 4, 64, 2), (2, 0x1000, 64, 0), (2, 0xFEE0_0000, 64, 2),
        ]
        for (number, item) in cases.enumerated() {
            let port = try TestPort()
            port.start(0)
            port.serve(0)
            if item.queue == 2 { port.ends[0].added[2] = 0 }
            port.ends[0].describe(item.queue, 0, item.address, item.length, item.flags)
            port.ends[0].offer(item.queue, 0)
            if item.queue == 2 { port.say(0, 0) }
            port.serve(0)
            #expect(port.ends[0].status() & 0x40 != 0 && !port.ends[0].isLive, "case \(number)")
            #expect(port.number(0, 0) & 1 == 0)
        }
    }

    /// A message that does not fit comes when it does; what was written stays within its buffer.
    @Test func buffersThatAreTooSmallGetTheirOwn() throws {
        let port = try TestPort(), end = port.ends[0]
        end.start(TestPort.features, queues: 4)
        for i in 0..<16 {
            end.describe(2, i, TestConsole.buffers + UInt64(i) * 64, [8, 0, 7, 10][i % 4], 2)
            end.offer(2, UInt16(i))
        }
        for at in 0..<64 { end.store(0xEE as UInt8, TestConsole.buffers + 128 + UInt64(at)) }
        port.say(0, 0)
        port.say(0, 3)
        port.serve(0)
        #expect(end.isLive && end.bytes(TestConsole.buffers, 8) == [0, 0, 0, 0, 1, 0, 1, 0])
        #expect(end.bytes(TestConsole.buffers + 128 + 7, 57).allSatisfy { $0 == 0xEE })
        let tries = end.used(2)
        #expect(tries > 1 && tries <= 16)
    }

    /// One exit takes no more messages than it may, and the other end is told of one change.
    @Test func manyMessagesAreBounded() throws {
        let port = try opened(), end = port.ends[0]
        for i in 0..<32 {
            end.store(UInt64(6) << 32 | UInt64(i & 1) << 48, TestConsole.buffers + 0x1000 + UInt64(i) * 8)
            end.describe(3, i, TestConsole.buffers + 0x1000 + UInt64(i) * 8, 8, 0)
        }
        let life = port.number(0, 0)
        for i in 0..<32 { end.offer(3, UInt16(i)) }
        port.serve(0)
        #expect(port.number(0, 0) == life + 32 && port.isDue[1])
        port.settle()
        #expect(port.told(1).count == 2 && carries(port))
    }

    @Test func numbersOfTheOtherEndAreBounded() throws {
        for offset in [64, 128, 132, 136] {
            for value in [1, 127, 128, 129, 0x7FFF_FFFF, 0x8000_0000, .max] as [UInt32] {
                let port = try opened()
                port.waiting[0] = [UInt8](repeating: 7, count: 200_000)
                port.write(0)
                port.spoil(1, offset, value)
                for _ in 0..<20 {
                    port.serve(0)
                    port.read(0)
                }
                #expect(port.ends[0].isLive && port.number(0, 64) <= 128 * 2)
                // What it is not told is its own matter; the end that is honest goes on when it opens anew.
                port.spoil(1, offset, offset == 64 ? port.number(0, 128) : port.number(0, 64))
                for isOpen in [false, true] { port.set(1, isOpen: isOpen) }
                for _ in 0..<4 { for end in 0..<2 { port.serve(end) } }
                _ = port.told(0)
                #expect(carries(port), "\(offset): \(value)")
            }
        }
    }

    /// Lengths of pieces, and whose they are.
    @Test func piecesOfTheOtherEndAreBounded() throws {
        for length in [0, 2041, 4096, 0xFFFF] as [UInt64] {
            let port = try opened()
            port.waiting[1] = [1, 2, 3]
            port.write(1)
            port.serve(1)
            let place = port.piece(1, 0)
            place.storeBytes(of: place.load(as: UInt64.self) & ~0xFFFF | length, as: UInt64.self)
            port.serve(0)
            port.read(0)
            #expect(port.received[0].isEmpty && carries(port, from: 1))
        }
        // One that becomes shorter than what is through.
        let port = try TestPort()
        port.start(0, buffers: 1, size: 100)
        port.start(1)
        for end in 0..<2 {
            port.greet(end)
            port.set(end, isOpen: true)
        }
        port.settle()
        port.waiting[1] = [UInt8](repeating: 5, count: 300)
        port.write(1)
        port.settle()
        let place = port.piece(1, 0)
        place.storeBytes(of: place.load(as: UInt64.self) & ~0xFFFF | 50, as: UInt64.self)
        port.read(0)
        port.settle()
        port.read(0)
        #expect(port.received[0].count == 100 && port.ends[0].isLive)
    }

    /// Somebody who opens and closes with each exit, and sends all the time, keeps nobody's core.
    @Test func whoAlwaysChangesIsNotServedForEver() throws {
        let port = try opened()
        for round in 0..<50 {
            port.waiting[1] = [UInt8](repeating: 1, count: 100_000)
            port.write(1)
            port.serve(1)
            for isOpen in [false, true] { port.set(1, isOpen: isOpen) }
            var times = 0
            while port.isDue[0] || times == 0 {
                port.serve(0)
                times += 1
                try #require(times < 10, "round \(round)")
            }
            port.read(0)
            _ = port.told(0)
        }
        #expect(port.ends[0].isLive)
    }
}
