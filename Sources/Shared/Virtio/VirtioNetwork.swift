import Platform

// The network card (virtio 1.2, section 5.1) at the end of a wire: frames as they are, received by queue 0, sent by queue 1.
extension VirtioFunction {
    /// Moves what can be moved between the guest and the wire.
    /// - Parameter mayPass: see `Wire.end`.
    mutating func serve(
        _ wire: inout Wire, _ memory: borrowing GuestMemory, mayPass: (Int) -> Bool
    ) -> VirtioProgress {
        let link = wire.update(isUp: isLive) ? linkUp : 0
        if configuration[1] & linkUp != link {
            configuration[1] ^= linkUp
            announceConfiguration()
        }
        guard isLive else { return .idle }
        do throws(VirtioError) {
            try queues[0].receive(from: &wire, hasEvents: hasEvents, memory)
            let sent = try queues[1].send(to: &wire, hasEvents: hasEvents, memory, mayPass)
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
    /// Bytes in front of each frame (section 5.1.6): nothing, but for the number of its buffers where it is received, which is 1.
    private static var header: [2 of UInt64] { [0, 1 << 16] }
    private static let headerSize = 12

    /// Sends the frames that the driver has given, into the wire.
    fileprivate mutating func send(
        to wire: inout Wire, hasEvents: Bool, _ memory: borrowing GuestMemory, _ mayPass: (Int) -> Bool
    ) throws(VirtioError) -> VirtioProgress {
        // One chain more: a driver that has given exactly `chainsAtOnce` is through with this exit.
        for _ in 0...Self.chainsAtOnce {
            guard let chain = try next(memory, isWritable: false) else {
                try announce(true, hasEvents: hasEvents, memory)
                if try waiting(memory) == 0 { return .idle }
                continue
            }
            wire.begin()
            var skipped = Self.headerSize
            for i in 0..<chain.count {
                let skip = min(skipped, Int(chain.lengths[i])), count = Int(chain.lengths[i]) - skip
                skipped -= skip
                guard let bytes = unsafe memory.bytes(at: chain.addresses[i] + UInt64(skip), count: count) else {
                    throw .queue
                }
                unsafe wire.append(UnsafeRawBufferPointer(bytes))
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
        from wire: inout Wire, hasEvents: Bool, _ memory: borrowing GuestMemory
    ) throws(VirtioError) {
        for _ in 0..<WireHalf.slots {
            guard isEnabled, let frame = unsafe wire.next() else {
                return try announce(false, hasEvents: hasEvents, memory)
            }
            guard let chain = try next(memory, isWritable: true) else {
                try announce(true, hasEvents: hasEvents, memory)
                if try waiting(memory) == 0 { return }
                continue
            }
            var header = Self.header
            let hasRoom = unsafe withUnsafeBytes(of: &header) {
                unsafe chain.fill(0, UnsafeRawBufferPointer(rebasing: $0[..<Self.headerSize]), memory)
                    && chain.fill(Self.headerSize, frame, memory)
            }
            let written = Self.headerSize + frame.count
            if !wire.removeFirst() || !hasRoom {
                wire.counters.dropped &+= 1
                continue
            }
            try finish(chain, written: UInt32(written), memory)
        }
        wire.announce()
        try announce(true, hasEvents: hasEvents, memory)
    }
}

extension VirtioChain {
    /// Copies `bytes` to `start` bytes behind the beginning of the chain's buffers. False where these end before.
    fileprivate func fill(_ start: Int, _ bytes: UnsafeRawBufferPointer, _ memory: borrowing GuestMemory) -> Bool {
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
}
