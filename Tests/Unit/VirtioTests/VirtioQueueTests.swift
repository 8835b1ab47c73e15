import Testing

@testable import Virtio

@Suite struct VirtioQueueTests {
    let console: TestConsole
    init() throws { console = try TestConsole() }

    private let buffers = TestConsole.buffers

    @Test func whatTheGuestSendsArrives() {
        console.start()
        for i in 0..<20 as Range<UInt8> {
            console.send([i, i &+ 1], head: UInt16(i & 7))
            #expect(console.serve() == .idle)
            #expect(console.used(1) == UInt16(i) + 1 && console.usedLength(1, UInt16(i)) == 0)
            // It is told of the next.
            #expect(console.wanted(1) == UInt16(i) + 1)
        }
        #expect(console.stream.output == (0..<20).flatMap { [$0, $0 &+ 1] })
        // Four buffers are one chain, an empty one among them.
        for i in 0..<4 {
            console.describe(1, i, buffers + UInt64(i), i == 1 ? 0 : 1, i < 3 ? 1 : 0, next: UInt16(i) + 1)
        }
        for i in 0..<4 { console.store(UInt8(0x41 + i), buffers + UInt64(i)) }
        console.offer(1, 0)
        _ = console.serve()
        #expect(console.stream.output.suffix(3) == [0x41, 0x43, 0x44])
    }

    @Test func whatIsTypedReachesTheGuest() {
        console.start()
        console.send([1], at: buffers + 0x100)
        for i in 0..<4 { console.describe(0, i, buffers + UInt64(i) * 16, 4, 2) }
        console.offer(0, 0)
        #expect(console.serve() == .idle && console.used(0) == 0)
        // With nothing to give, it does not want to hear of buffers.
        #expect(console.wanted(0) == .max)
        console.stream.input = [1, 2, 3, 4, 5, 6]
        #expect(console.serve() == .idle)
        #expect(console.bytes(buffers, 4) == [1, 2, 3, 4] && console.usedLength(0, 0) == 4)
        // Two are left, and it wants to hear.
        #expect(console.stream.input == [5, 6] && console.wanted(0) == 1)
        console.offer(0, 1)
        _ = console.serve()
        #expect(console.bytes(buffers + 16, 2) == [5, 6] && console.usedLength(0, 1) == 2)
        #expect(console.used(0) == 2 && console.wanted(0) == 1)
    }

    /// A driver that has been loaded is no program that reads; each that comes begins anew.
    @Test func nothingIsTypedBeforeSomethingIsPrinted() {
        for _ in 0..<2 {
            console.start()
            console.added = [0, 0, 0, 0]
            for queue in 0..<2 { console.store(UInt64(0), TestConsole.area(queue) + 0x800) }
            console.describe(0, 0, buffers, 4, 2)
            console.offer(0, 0)
            console.stream.input = [1, 2]
            #expect(console.serve() == .idle && !console.isInUse && console.isLive)
            #expect(console.stream.input == [1, 2])
            console.send([0x41], at: buffers + 0x100)
            _ = console.serve()
            #expect(console.stream.input.isEmpty && console.isInUse && console.bytes(buffers, 2) == [1, 2])
        }
    }

    @Test func theDriverSaysWhetherItWantsInterrupts() {
        console.start()
        console.wantsInterrupt(1, at: 2)
        var told: [Bool] = []
        for i in 0..<4 as Range<UInt8> {
            console.send([i], head: UInt16(i))
            _ = console.serve()
            told.append(console.nextInterrupt() != nil)
        }
        #expect(told == [false, false, true, false])
        // Without indices there are flags.
        let other = try? TestConsole()
        other?.start(VirtioFeature.version1)
        other?.send([1])
        _ = other?.serve()
        #expect(other?.nextInterrupt() != nil)
        other?.store(UInt16(1), TestConsole.area(1) + 0x800)
        other?.send([2])
        _ = other?.serve()
        #expect(other?.nextInterrupt() == nil && other?.stream.output == [1, 2])
        #expect(other?.load(TestConsole.area(0) + 0x1000, UInt16.self) == 1)
    }

    /// Whoever stops while buffers wait asks for the next behind them: for one that is there already nobody notifies.
    @Test func theNextBehindAllThatWaitIsAskedFor() throws {
        console.start()
        var queue = VirtioQueue()
        queue.resize(TestConsole.size)
        for (i, area) in [0, 0x800, 0x1000].enumerated() {
            queue.setAddress(i * 8, UInt32(TestConsole.area(0)) + UInt32(area))
        }
        queue.enable()
        for i in 0..<5 { console.offer(0, UInt16(i)) }
        try console.announce(&queue, true)
        #expect(console.wanted(0) == 5)
        try console.announce(&queue, false)
        #expect(console.wanted(0) == .max)
    }

    @Test func oneExitDoesSoMuchWork() {
        console.start()
        let text = (0..<5000).map { UInt8(truncatingIfNeeded: $0) }
        console.send(text)
        #expect(console.serve(limit: 2000) == .more && console.used(1) == 0)
        #expect(console.serve(limit: 2000) == .more)
        #expect(console.serve(limit: 2000) == .idle && console.used(1) == 1)
        #expect(console.stream.output == text)
        // The other end may have no room.
        console.stream.room = 3
        console.send([1, 2, 3, 4, 5])
        #expect(console.serve() == .idle && console.used(1) == 1)
        console.stream.room = .max
        #expect(console.serve() == .idle && console.used(1) == 2)
        #expect(console.stream.output.suffix(5) == [1, 2, 3, 4, 5])
        // A chain that shrinks meanwhile is over.
        console.send(text)
        #expect(console.serve(limit: 100) == .more)
        console.describe(1, 0, buffers, 50, 0)
        #expect(console.serve(limit: 100) == .idle && console.used(1) == 3)
    }

    @Test func chainsWithoutBytesEndAnExitToo() {
        console.start()
        // A driver that goes on adding while it is served, as another of its cores may: always one more.
        console.describe(1, 0, buffers, 0, 0)
        for _ in 0..<8 { console.offer(1, 0) }
        var exits = 0
        while console.used(1) < 200, exits < 100 {
            _ = console.serve()
            exits += 1
            for _ in 0..<8 where console.added[1] &- console.used(1) < 8 { console.offer(1, 0) }
        }
        #expect(exits >= 25)
    }

    /// Each is refused, nothing is moved, and the device says that it needs a reset, behind which it works.
    @Test(arguments: 0..<14) func aQueueThatCannotBeIsRefused(_ attempt: Int) {
        console.start()
        let size = UInt64(TestConsole.memorySize)
        console.stream.input = [1]
        console.describe(0, 0, buffers, 4, 2)
        console.describe(1, 0, buffers, 4, 0)
        switch attempt {
        case 0: console.describe(1, 0, size, 1, 0)
        case 1: console.describe(1, 0, size - 1, 2, 0)
        case 2: console.describe(1, 0, .max, 2, 0)
        case 3: console.describe(1, 0, buffers, .max, 0)
        case 4: console.describe(1, 0, 0xFEE0_0000, 4, 0)
        case 5: console.describe(1, 0, buffers, 1, 1, next: 0)  // a loop
        case 6: console.describe(1, 0, buffers, 1, 1, next: 32)
        case 7: for i in 0..<17 { console.describe(1, i, buffers, 1, i < 16 ? 1 : 0, next: UInt16(i) + 1) }
        case 8: console.describe(1, 0, buffers, 16, 4)  // indirect
        case 9: console.describe(1, 0, buffers, 1, 2)  // for the device to write
        case 10: console.describe(0, 0, buffers, 1, 0)
        case 11: console.describe(0, 0, size - 2, 4, 2)
        case 12: console.added[1] = 40  // more than the queue has
        default: break
        }
        console.offer(0, 0)
        console.offer(1, attempt == 13 ? 32 : 0)
        _ = console.serve()
        #expect(console.status() & 0x40 != 0 && !console.isLive)
        #expect(console.stream.output.isEmpty && console.used(1) == 0)
        #expect(console.serve() == .idle)
        console.added = [UInt16](repeating: 0, count: 6)
        for queue in 0..<2 { console.store(UInt16(0), TestConsole.area(queue) + 0x802) }
        console.start()
        console.send([7])
        _ = console.serve()
        #expect(console.stream.output == [7])
    }

    /// The queues themselves may be anywhere, and lie outside of memory.
    @Test(arguments: [(0x24, 1), (0x2C, 1), (0x34, 1), (0x24, .max), (0x2C, UInt32.max), (0x34, 1 << 20)])
    func aQueueOutsideOfMemoryIsRefused(_ register: Int, _ high: UInt32) {
        console.start()
        _ = console.port(0x14, 1, 0)
        console.start(queues: 1)
        _ = console.port(0x14, 1, 0x0B)
        _ = console.port(0x16, 2, 1)
        _ = console.port(0x18, 2, UInt32(TestConsole.size))
        for (offset, area) in [(0x20, 0), (0x28, 0x800), (0x30, 0x1000)] as [(Int, UInt64)] {
            _ = console.port(offset, 4, UInt32(TestConsole.area(1) + area))
        }
        _ = console.port(register, 4, high)
        _ = console.port(0x1C, 2, 1)
        console.send([1])
        _ = console.serve()
        // What no address can be is no queue at all.
        let isAddress = high >> 20 == 0
        #expect((console.port(0x1C, 2) == 1) == isAddress)
        #expect((console.status() & 0x40 != 0) == isAddress)
        // That it cannot say so is seen behind what was sent.
        #expect(console.stream.output.isEmpty == !(isAddress && register == 0x34))
    }
}
