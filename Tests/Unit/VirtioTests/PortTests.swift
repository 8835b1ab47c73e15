import Platform
import Testing

@testable import Virtio

/// Numbers that look like none in a row.
private func bytes(_ count: Int, _ seed: UInt64 = 1) -> [UInt8] {
    var state = seed
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 33)
    }
}
private let opened: [UInt8] = [0, 0, 0, 0, 6, 0, 1, 0], closed: [UInt8] = [0, 0, 0, 0, 6, 0, 0, 0]

@Suite struct PortTests {
    @Test func itIsAConsoleWithOnePort() throws {
        let port = try TestPort(), end = port.ends[0]
        #expect(end.configuration(0) == 0x1043_1AF4 && end.configuration(8) == 0x0780_0001)
        port.start(0)
        _ = end.port(0, 4, 0)
        #expect(end.port(4, 4) == 1 << 29 | 1 << 1)
        // No size of a screen, one port; four queues.
        #expect(end.port(0x50, 4) == 0 && end.port(0x54, 4) == 1 && end.port(0x12, 2) == 4)
        #expect(end.isLive)
    }

    @Test func theDriverIsToldInOrder() throws {
        let port = try TestPort()
        port.start(0)
        port.settle()
        #expect(port.told(0).isEmpty)
        port.say(0, 0)
        #expect(port.told(0) == [[0, 0, 0, 0, 1, 0, 1, 0]])
        port.say(0, 3)
        #expect(port.told(0) == [[0, 0, 0, 0, 7, 0, 1, 0] + Array("telemetry".utf8)])
        // It knows what it has been told, and a second time is none.
        port.say(0, 3)
        #expect(port.told(0).isEmpty)
        // The other end opens; then it is closed, and opened anew.
        port.start(1)
        port.greet(1)
        port.set(1, isOpen: true)
        port.settle()
        #expect(port.told(0) == [opened])
        port.set(1, isOpen: false)
        port.settle()
        #expect(port.told(0) == [closed])
        for isOpen in [true, false, true] { port.set(1, isOpen: isOpen) }
        port.settle()
        #expect(port.told(0) == [opened])
        for isOpen in [false, true] { port.set(1, isOpen: isOpen) }
        port.settle()
        #expect(port.told(0) == [closed, opened], "another one has it open")
    }

    @Test func withoutMultiportNothingIsThere() throws {
        let port = try TestPort()
        port.start(1)
        port.greet(1)
        port.set(1, isOpen: true)
        port.start(0)
        port.ends[0].start(TestConsole.features, queues: 2)
        port.settle()
        port.say(0, 0)
        #expect(port.told(0).isEmpty && port.ends[0].isLive && port.number(0, 0) & 1 == 0)
    }

    /// Whoever has nothing to do is not served: by every notification and every kick, and no other, all of it arrives.
    @Test func nothingIsLostAndNobodyWaitsInVain() throws {
        for seed in 0..<12 as Range<UInt64> {
            let port = try TestPort()
            for end in 0..<2 {
                port.start(end, buffers: [1, 2, 7, 32][Int(seed & 3)], size: seed < 6 ? 4096 : 1000)
                port.greet(end)
                port.set(end, isOpen: true)
            }
            port.settle()
            let sent = [bytes(700_000 + Int(seed) * 1001, seed), bytes(90_000, seed + 100)]
            port.waiting = sent
            var random = seed &* 77 &+ 1, steps = 0
            while port.received[1] != sent[0] || port.received[0] != sent[1] {
                random = random &* 6_364_136_223_846_793_005 &+ 1
                let end = Int(random >> 40 & 1)
                switch random >> 33 & 3 {
                case 0: port.write(end, chunk: 1 + Int(random >> 44 & 0x7FFF))
                case 1: port.read(end, buffers: 1 + Int(random >> 44 & 3))
                default: if port.isDue[end] { port.serve(end) }
                }
                steps += 1
                try #require(steps < 100_000, "it stands still, seed \(seed)")
            }
            #expect(port.counters(0).bytes == UInt64(sent[0].count) && port.counters(0).dropped == 0)
            #expect(port.counters(1).bytes == UInt64(sent[1].count) && port.counters(1).dropped == 0)
            #expect(port.counters(0).link == 1)
        }
    }

    /// A sender without room neither goes on nor notifies, and one that reads slowly does not notify for each buffer.
    @Test func whoHasNoRoomIsToldAtHalf() throws {
        let port = try TestPort()
        port.open()
        port.fill(bytes(420_000))
        let sent = port.sentChains(0)
        // 255 KiB in between and 128 KiB in the other end's buffers.
        let moved = PortWire.limit + 32 * 4096
        #expect(Int(sent) == moved / (32 << 10))
        // More of it waits, and nobody hears of that.
        let offered = port.ends[0].added[1]
        port.waiting[0] = bytes(100_000)
        port.write(0)
        #expect(port.ends[0].added[1] > offered && !port.isDue[0])
        // 64 places are 32 buffers.
        var reads = 0
        while !port.isDue[0], reads < 64 {
            port.read(1, buffers: 1)
            if port.isDue[1] { port.serve(1) }
            reads += 1
        }
        #expect((30...60).contains(reads), "told after \(reads)")
        #expect(port.serve(0) == .idle && port.sentChains(0) > sent)
    }

    /// A driver that looks at a flag, and not at an index.
    @Test func whoHasNoRoomNeedNotNotify() throws {
        let port = try TestPort(), flag = TestConsole.area(1) + 0x1000
        port.start(0, features: VirtioFeature.version1 | VirtioFeature.multiport)
        port.start(1)
        port.greet(1)
        port.set(1, isOpen: true)
        for (event, value) in [(0, 1), (3, 1), (6, 1)] as [(UInt16, UInt16)] {
            port.say(0, event, value)
            port.serve(0)
        }
        port.settle()
        #expect(port.ends[0].load(flag, UInt16.self) == 0)
        port.waiting[0] = bytes(600_000)
        for _ in 0..<4 {
            port.write(0)
            port.serve(0)
            port.settle()
        }
        #expect(port.sentChains(0) > 0 && port.ends[0].load(flag, UInt16.self) == 1)
        port.read(1)
        port.settle()
        for _ in 0..<4 {
            port.read(1)
            port.settle()
        }
        #expect(port.ends[0].load(flag, UInt16.self) == 0 && port.received[1].count > 300_000)
    }

    @Test func whatWasSentBeforeTheEndIsClosedArrives() throws {
        let port = try TestPort()
        port.open()
        let sent = bytes(500_000)
        port.push(sent)
        #expect(port.sentChains(0) < port.ends[0].added[1])
        port.set(0, isOpen: false)
        port.settle()
        // The driver hears of it when it has all that came before.
        let (told, reads) = try port.readUntilTold()
        #expect(reads > 0 && port.received[1] == sent && told == [closed] && port.counters(0).dropped == 0)
    }

    /// A program closes its end while its bytes wait, and another one opens it: the first one's come whole, and then the other end sees it go.
    @Test func theNextProgramsBytesComeBehindTheFirstOnes() throws {
        let port = try TestPort()
        port.open()
        let first = bytes(420_000, 1), second = bytes(50_000, 2)
        port.push(first)
        for isOpen in [false, true, false, true] { port.set(0, isOpen: isOpen) }
        // What the other end sends now was for the first one.
        port.waiting[1] = [1, 2, 3]
        port.write(1)
        port.settle()
        port.waiting[0] = second
        let (told, reads) = try port.readUntilTold()
        #expect(reads > 0 && port.received[1] == first && told == [closed, opened])
        var steps = 0
        while port.received[1].count < first.count + second.count {
            port.write(0)
            port.settle()
            port.read(1)
            steps += 1
            try #require(steps < 1000)
        }
        #expect(port.received[1] == first + second && port.told(1).isEmpty)
        port.read(0)
        #expect(port.received[0].isEmpty)
    }

    /// What is sent with the opening comes with it, to an end that hears of both at once.
    @Test func whatComesWithTheOpeningArrives() throws {
        let port = try TestPort()
        for end in 0..<2 {
            port.start(end)
            port.greet(end)
        }
        port.set(0, isOpen: true)
        port.settle()
        port.set(1, isOpen: true)
        port.waiting[1] = [1, 2, 3]
        port.write(1)
        port.serve(1)
        port.settle()
        port.read(0)
        #expect(port.received[0] == [1, 2, 3])
    }

    /// Of the next program that has opened the other end since this exit began.
    @Test func whatComesDuringAnExitStays() throws {
        let port = try TestPort()
        port.open()
        var end = port.ports[0]
        end.update(isOpen: true)
        for isOpen in [false, true] { port.set(1, isOpen: isOpen) }
        port.waiting[1] = [9]
        port.write(1)
        port.serve(1)
        let taken = port.number(0, 128)
        #expect(!end.hasBytes && port.number(0, 128) == taken)
        port.settle()
        port.read(0)
        #expect(port.received[0] == [9])
    }

    /// A program leaves both directions full and goes; the other end writes before it reads. Neither it nor the next program waits for ever.
    @Test func whoIsGoneHoldsNobody() throws {
        let port = try TestPort()
        port.open()
        port.waiting[1] = bytes(600_000)
        for _ in 0..<4 {
            port.write(1)
            port.settle()
        }
        port.fill(bytes(600_000))
        port.waiting[0] = []
        for isOpen in [false, true] { port.set(0, isOpen: isOpen) }
        for _ in 0..<20 {
            port.write(1)
            port.settle()
        }
        #expect(port.waiting[1].isEmpty && port.sentChains(1) == port.ends[1].added[1])
    }

    /// A second program closes before the first one's bytes are through: both ones' come.
    @Test func twoProgramsBytesComeOneBehindTheOther() throws {
        let port = try TestPort()
        port.open()
        let first = bytes(500_000, 1), second = bytes(20_000, 2)
        port.push(first)
        for isOpen in [false, true] { port.set(0, isOpen: isOpen) }
        port.push(second)
        #expect(port.received[1].count < first.count - 300_000, "much of the first one's is left")
        port.set(0, isOpen: false)
        _ = try port.readUntilTold()
        #expect(port.received[1] == first + second && port.counters(0).dropped == 0)
    }

    @Test func nothingReachesWhoComesNext() throws {
        let port = try TestPort()
        port.open()
        port.fill(bytes(600_000))
        #expect(port.sentChains(0) < port.ends[0].added[1])
        // The reader closes, and another one opens: what was on its way is gone, also half a chain.
        port.set(1, isOpen: false)
        port.settle()
        #expect(port.told(0) == [closed] && port.sentChains(0) == port.ends[0].added[1])
        port.read(1)
        port.received[1] = []
        port.set(1, isOpen: true)
        port.settle()
        #expect(port.told(0) == [opened] && port.told(1).isEmpty)
        port.carry([7, 8, 9])
        #expect(port.received[1] == [7, 8, 9])
    }

    /// Without anything in between that the sender could have noticed.
    @Test func nothingReachesWhoComesAtOnce() throws {
        let port = try TestPort()
        port.open()
        port.fill(bytes(600_000))
        #expect(port.sentChains(0) < port.ends[0].added[1])
        for isOpen in [false, true] { port.set(1, isOpen: isOpen) }
        port.read(1)
        port.received[1] = []
        port.settle()
        #expect(port.told(0) == [closed, opened])
        port.carry([7, 8, 9])
        #expect(port.received[1] == [7, 8, 9])
    }

    @Test func aGuestThatStartsAnewBeginsAnew() throws {
        for sender in [true, false] {
            let port = try TestPort()
            port.open()
            port.fill(bytes(600_000))
            let end = sender ? 0 : 1
            port.restart(end)
            port.waiting[0] = []
            port.settle()
            port.read(1)
            port.settle()
            #expect(port.told(1 - end) == [closed])
            port.received = [[], []]
            port.start(end)
            port.greet(end)
            port.set(end, isOpen: true)
            port.settle()
            #expect(port.told(1 - end) == [opened] && port.told(end).last == opened)
            for from in 0..<2 {
                port.carry(bytes(5000, UInt64(from)), from: from)
                #expect(port.received[1 - from] == bytes(5000, UInt64(from)))
            }
        }
    }

    @Test func whatIsSentToNobodyIsDropped() throws {
        let port = try TestPort()
        port.start(0)
        port.greet(0)
        port.waiting[0] = bytes(100_000)
        port.write(0)
        port.settle()
        #expect(port.sentChains(0) == 4 && port.counters(0).dropped == 4 && port.counters(0).bytes == 0)
        port.set(0, isOpen: true)
        port.waiting[0] = bytes(100_000)
        port.write(0)
        port.settle()
        #expect(port.sentChains(0) == 8 && port.counters(0).dropped == 8 && port.number(0, 64) == 0)
    }
}
