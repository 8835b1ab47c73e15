import Control
import DeviceModel
import Manifest
import Testing

/// The rings of a control page with a hostile other side: whatever words it writes there, nothing outside of the ring is
/// read or written, and no loop takes longer than the ring is long.
@Suite struct ByteRingTests {
    private static let capacity = 1024
    private static let guardBytes = 4096

    /// A ring between two guards of bytes that no ring's writer writes here, and its two positions for the other side.
    private struct GuardedMemory: ~Copyable {
        let memory = UnsafeMutableRawBufferPointer.allocate(
            byteCount: 2 * guardBytes + capacity + Int(ByteRing.headSize), alignment: 4096)
        init() {
            unsafe memory.initializeMemory(as: UInt8.self, repeating: 0xA5)
            unsafe memory[ByteRingTests.guardBytes..<memory.count - ByteRingTests.guardBytes].initializeMemory(
                as: UInt8.self, repeating: 0)
        }
        deinit { unsafe memory.deallocate() }

        var ring: ByteRing {
            unsafe ByteRing(
                at: UInt64(UInt(bitPattern: memory.baseAddress)) + UInt64(ByteRingTests.guardBytes),
                capacity: UInt64(ByteRingTests.capacity))
        }
        func set(_ head: UInt64, _ tail: UInt64) {
            unsafe memory.storeBytes(of: head, toByteOffset: ByteRingTests.guardBytes, as: UInt64.self)
            unsafe memory.storeBytes(of: tail, toByteOffset: ByteRingTests.guardBytes + 8, as: UInt64.self)
        }
        var guardsAreWhole: Bool {
            unsafe memory.prefix(ByteRingTests.guardBytes).allSatisfy { $0 == 0xA5 }
                && memory.suffix(ByteRingTests.guardBytes).allSatisfy { $0 == 0xA5 }
        }
    }

    /// Random words, and those around what a comparison or a mask may get wrong.
    private static func words(_ generator: inout some RandomNumberGenerator, near other: UInt64) -> UInt64 {
        let step = UInt64.random(in: 0...3, using: &generator)
        switch Int.random(in: 0..<8, using: &generator) {
        case 0: return 0 &- step
        case 1: return 1 << 63 &+ step &- 1
        case 2: return UInt64(capacity) &+ step &- 1
        case 3: return other &+ step
        case 4: return other &- step
        case 5: return other &+ UInt64(capacity) &+ step &- 1
        case 6: return other &- UInt64(capacity) &+ step &- 1
        default: return .random(in: 0...UInt64.max, using: &generator)
        }
    }

    /// A device model takes bytes and need not clear them; and it writes where it likes.
    @Test(arguments: [(0, 0), (5, 5), (1024, 3), (7, .max), (.max, 1 << 63)] as [(UInt64, UInt64)])
    func nothingIsLeftInAClearedRing(_ head: UInt64, _ tail: UInt64) {
        let memory = GuardedMemory()
        for byte in 0..<Self.capacity {
            unsafe memory.memory[Self.guardBytes + Int(ByteRing.headSize) + byte] = 0x55
        }
        memory.set(head, tail)
        memory.ring.clear()
        let first = Self.guardBytes + Int(ByteRing.headSize)
        let isClear = unsafe memory.memory[first..<first + Self.capacity].allSatisfy { $0 == 0 }
        let next = memory.ring.peek(), isWhole = memory.guardsAreWhole
        #expect(isClear && next == nil && isWhole)
    }

    @Test func noWordOfTheOtherSideLeadsOutside() {
        var generator = SystemRandomNumberGenerator()
        let memory = GuardedMemory(), ring = memory.ring
        for _ in 0..<20_000 {
            let head = Self.words(&generator, near: 0), tail = Self.words(&generator, near: head)
            memory.set(head, tail)
            var read = 0, offered = 0
            switch Int.random(in: 0..<8, using: &generator) {
            case 0:
                while ring.peek() != nil, read <= 2 * Self.capacity {
                    ring.removeFirst()
                    read += 1
                }
            case 1: while offered <= 2 * Self.capacity, ring.offer(0) { offered += 1 }
            case 2: ring.push(0)
            case 3:
                for i in 0..<300 as Range<UInt64> { ring.put(0, ahead: i) }
                ring.advance(by: 300)
            case 4:
                let bytes = [UInt8](repeating: 0, count: .random(in: 0...Self.capacity, using: &generator))
                unsafe bytes.withUnsafeBytes { unsafe ring.push($0) }
            case 5:
                var bytes = [UInt8](repeating: 0xFF, count: 2 * Self.capacity)
                read = unsafe bytes.withUnsafeMutableBytes { unsafe ring.take(into: $0) }
                #expect(read <= Self.capacity && bytes.prefix(read).allSatisfy { $0 == 0 })
            case 6: ring.removeAll()
            default:
                var bytes = [UInt8](repeating: 0xFF, count: 4096)
                var span = bytes.mutableSpan
                let range = ring.copy(from: Self.words(&generator, near: tail), into: &span)
                read = range.count
                #expect(range.count <= 4096 && bytes.prefix(range.count).allSatisfy { $0 == 0 })
            }
            guard read <= Self.capacity, offered <= Self.capacity, memory.guardsAreWhole else {
                Issue.record("head \(head), tail \(tail): \(read) read, \(offered) offered")
                return
            }
        }
    }

    @Test func whatIsPushedIsRead() {
        let memory = GuardedMemory(), ring = memory.ring
        // Around the end of the counters too.
        for start in [0, 1000, UInt64.max - 700] {
            memory.set(start, start)
            #expect(ring.peek() == nil)
            for i in 0..<1024 { #expect(ring.offer(UInt8(i & 0xFF))) }
            #expect(!ring.offer(1), "it is full")
            for i in 0..<1024 {
                #expect(ring.peek() == UInt8(i & 0xFF))
                ring.removeFirst()
            }
            #expect(ring.peek() == nil)
            // A line appears at once.
            for i in 0..<10 as Range<UInt64> { ring.put(UInt8(i), ahead: i) }
            #expect(ring.peek() == nil)
            ring.advance(by: 10)
            for i in 0..<10 {
                #expect(ring.peek() == UInt8(i))
                ring.removeFirst()
            }
            // What was overwritten is skipped.
            for i in 0..<1500 { ring.push(UInt8(i % 251)) }
            #expect(ring.peek() == UInt8((1500 - 1024) % 251))
        }
    }

    @Test func whatIsPushedAtOnceIsRead() {
        let memory = GuardedMemory(), ring = memory.ring
        for start in [0, 1000, UInt64.max - 700] {
            memory.set(start, start)
            let bytes = (0..<900).map { UInt8($0 % 251) }
            unsafe bytes.withUnsafeBytes { unsafe ring.push($0) }
            var taken = [UInt8](repeating: 0xFF, count: 1000)
            #expect(unsafe taken.withUnsafeMutableBytes { unsafe ring.take(into: $0) } == 900)
            #expect(Array(taken.prefix(900)) == bytes && ring.peek() == nil)
        }
    }

    /// There is room for what leaves a reader its bytes, and what is pushed while it copies is not among them.
    @Test func roomIsWhatNobodyHasToRead() {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 16400, alignment: 4096)
        defer { unsafe memory.deallocate() }
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0)
        let ring = unsafe ByteRing(at: UInt64(UInt(bitPattern: memory.baseAddress)), capacity: 16384)
        let piece = [UInt8](repeating: 1, count: 4096)
        for _ in 0..<2 {
            #expect(ring.hasRoom(for: 4096))
            unsafe piece.withUnsafeBytes { unsafe ring.push($0) }
        }
        #expect(ring.hasRoom(for: 4096))
        unsafe piece.withUnsafeBytes { unsafe ring.push($0) }
        #expect(!ring.hasRoom(for: 4096) && ring.noted == 0)
        ring.note(read: 4096)
        #expect(ring.hasRoom(for: 4096))
        // Who reads from the beginning again.
        ring.note(read: 8)
        #expect(ring.noted == 4096 && ring.hasRoom(for: 4096))
        // Of a full ring, nothing is given that one more piece would overwrite.
        for _ in 0..<4 { unsafe piece.withUnsafeBytes { unsafe ring.push($0) } }
        var bytes = [UInt8](repeating: 0, count: 8)
        var span = bytes.mutableSpan
        #expect(ring.copy(from: 0, into: &span).position == 7 * 4096 - 16384 + 4096)
    }

    /// Every byte of a stored event, as anybody may have written it: the event has values that exist, and a manager is sent
    /// one that can be read.
    @Test func noStoredEventIsMoreThanAnEvent() {
        var generator = SystemRandomNumberGenerator()
        for round in 0..<20_000 as Range<UInt64> {
            let words: [4 of UInt64] = [
                round < 256 ? round * 0x0101_0101 : .random(in: 0...UInt64.max, using: &generator),
                .random(in: 0...UInt64.max, using: &generator), 0, 0,
            ]
            let event = unsafe unsafeBitCast(words, to: StoredEvent.self).event
            #expect(ControlEvent.Kind(rawValue: event.kind.rawValue) == event.kind)
            #expect(PartitionState(rawValue: event.state.rawValue) == event.state)
            #expect(StateCause(rawValue: event.cause.rawValue) == event.cause)
            #expect(0..<64 ~= event.vcpu && event.partition.isEmpty)
        }
    }

    @Test func aStoredEventIsTheEvent() {
        var event = ControlEvent(.fault)
        (event.vcpu, event.code, event.address) = (15, .max, 0x1234)
        let stored = StoredEvent(event, .crashed, .hypervisorFault, tsc: 77)
        #expect(stored.tsc == 77)
        #expect(stored.event.kind == .fault && stored.event.vcpu == 15)
        #expect(stored.event.state == .crashed && stored.event.cause == .hypervisorFault)
        #expect(stored.event.code == .max && stored.event.address == 0x1234)
    }
}
