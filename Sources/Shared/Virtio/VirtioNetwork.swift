import Platform
import WireSeal

// The network card (virtio 1.2, section 5.1) at the end of a wire: frames as they are, received by queue 0, sent by queue 1.
extension VirtioFunction {
    /// Moves what can be moved between the guest and the wire.
    /// - Parameters:
    ///   - mayBeUp: whether the link may be (`WireSeal.update`).
    ///   - mayPass: see `Wire.end`.
    mutating func serve(
        _ wire: inout Wire, _ seal: inout WireSeal, mayBeUp: Bool, _ memory: borrowing GuestMemory,
        mayPass: (Int) -> Bool
    ) -> VirtioProgress {
        let isOther = wire.update(isUp: isLive && mayBeUp)
        let link = mayBeUp && (isOther || isLive && !wire.isTold) ? linkUp : 0
        if configuration[1] & linkUp != link {
            configuration[1] ^= linkUp
            announceConfiguration()
            if link != 0 { seal.greet() }
        }
        guard isLive else { return .idle }
        do throws(VirtioError) {
            try queues[0].receive(from: &wire, &seal, hasEvents: hasEvents, memory)
            // In front of what it is about.
            if seal.owesGreeting { wire.greet(&seal, mayPass) }
            let sent = try queues[1].send(to: &wire, &seal, hasEvents: hasEvents, memory, mayPass)
            if seal.owesGreeting { wire.greet(&seal, mayPass) }
            for i in 0..<2 where try queues[i].mustInterrupt(hasEvents: hasEvents, memory) {
                raise(queues[i].vector, 1)
            }
            return sent
        } catch {
            fail()
            _ = wire.update(isUp: false)
            return .idle
        }
    }

    /// VIRTIO_NET_S_LINK_UP, behind the address.
    private var linkUp: UInt32 { 1 << 16 }
}

extension VirtioQueue {
    /// Sends the frames that the driver has given, into the wire.
    fileprivate mutating func send(
        to wire: inout Wire, _ seal: inout WireSeal, hasEvents: Bool, _ memory: borrowing GuestMemory,
        _ mayPass: (Int) -> Bool
    ) throws(VirtioError) -> VirtioProgress {
        // One chain more: a driver that has given exactly `chainsAtOnce` is through with this exit.
        for _ in 0...Self.chainsAtOnce {
            guard let chain = try next(memory, isWritable: false) else {
                try announce(true, hasEvents: hasEvents, memory)
                if try waiting(memory) == 0 { return .idle }
                continue
            }
            wire.begin()
            if seal.isSealed {
                try chain.seal(to: &wire, &seal, memory)
            } else {
                try unsafe chain.forEachPart(memory) { unsafe wire.append($0) }
            }
            wire.end(mayPass)
            try finish(chain, written: 0, memory)
        }
        return .more
    }

    /// Puts frames of the wire into the buffers that the driver offers, one chain each; what does not fit is dropped. No more than a
    /// wire holds at once: whoever goes on sending does not keep the guest from its work. The rest waits for the driver's
    /// next buffers, or for the next frame.
    fileprivate mutating func receive(
        from wire: inout Wire, _ seal: inout WireSeal, hasEvents: Bool, _ memory: borrowing GuestMemory
    ) throws(VirtioError) {
        for _ in 0..<WireHalf.slots {
            guard isEnabled, let frame = unsafe wire.next() else {
                return try announce(false, hasEvents: hasEvents, memory)
            }
            guard let chain = try next(memory, isWritable: true) else {
                try announce(wire.isTold, hasEvents: hasEvents, memory)
                if try waiting(memory) == 0 { return }
                continue
            }
            let found = unsafe seal.isSealed ? chain.open(frame, &seal, memory) : chain.fill(frame, memory)
            switch wire.removeFirst() ? found : .dropped {
            case .dropped: wire.counters.dropped &+= 1
            // The driver keeps its buffer.
            case .taken: break
            case .filled(let count):
                try finish(chain, written: UInt32(VirtioChain.frameHeaderSize + count), memory)
            }
        }
        wire.announce()
        try announce(wire.isTold, hasEvents: hasEvents, memory)
    }
}

/// What has become of a frame that came.
enum ReceivedFrame {
    /// It is in the driver's buffers, with so many bytes.
    case filled(Int)
    /// It was for this end of the wire itself.
    case taken
    case dropped
}

extension VirtioChain {
    /// Bytes in front of each frame (section 5.1.6): nothing, but for the number of its buffers where it is received, which is 1.
    private static var frameHeader: [2 of UInt64] { [0, 1 << 16] }
    static let frameHeaderSize = 12

    /// Puts a frame into the chain's buffers, where these have room.
    func fill(_ frame: UnsafeRawBufferPointer, _ memory: borrowing GuestMemory) -> ReceivedFrame {
        var header = Self.frameHeader
        let hasRoom = unsafe withUnsafeBytes(of: &header) {
            unsafe fill(0, UnsafeRawBufferPointer(rebasing: $0[..<Self.frameHeaderSize]), memory)
                && fill(Self.frameHeaderSize, frame, memory)
        }
        return hasRoom ? .filled(frame.count) : .dropped
    }

    /// Copies `bytes` to `start` bytes behind the beginning of the chain's buffers. False where these end before.
    private func fill(_ start: Int, _ bytes: UnsafeRawBufferPointer, _ memory: borrowing GuestMemory) -> Bool {
        var skipped = start, done = 0
        for i in 0..<count where done < bytes.count {
            let skip = min(skipped, Int(lengths[i]))
            skipped -= skip
            let part = min(Int(lengths[i]) - skip, bytes.count - done)
            unsafe memory.copy(
                from: UnsafeRawBufferPointer(rebasing: bytes[done..<done + part]),
                to: addresses[i] + UInt64(skip))
            done += part
        }
        return done == bytes.count
    }

    /// Calls `body` for what is in each buffer behind the frame's header.
    func forEachPart(
        _ memory: borrowing GuestMemory, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(VirtioError) {
        var skipped = Self.frameHeaderSize
        for i in 0..<count {
            let skip = min(skipped, Int(lengths[i])), count = Int(lengths[i]) - skip
            skipped -= skip
            guard let bytes = unsafe memory.bytes(at: addresses[i] + UInt64(skip), count: count) else {
                throw .queue
            }
            unsafe body(UnsafeRawBufferPointer(bytes))
        }
    }
}
