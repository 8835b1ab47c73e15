import Platform

/// The other end of what a driver sends and receives as bytes.
public protocol VirtioStream {
    /// Takes what the guest has sent.
    /// - Returns: how many of the bytes; fewer where there is no room.
    mutating func take(_ bytes: UnsafeRawBufferPointer) -> Int
    /// Gives what is there for the guest.
    /// - Returns: how many bytes.
    mutating func give(_ bytes: UnsafeMutableRawBufferPointer) -> Int
    /// Whether there is something for the guest.
    var hasBytes: Bool { mutating get }
}

/// How a transfer ended.
public enum VirtioProgress: Sendable {
    /// All is through, or waits for the other end.
    case idle
    /// More can be done at once: the work for one exit is.
    case more
}

// The work of one exit is bounded: so many chains, and so many bytes. The rest has its turn at the next.
extension VirtioQueue {
    static let chainsAtOnce = 64

    /// Gives `stream` what the driver has sent.
    /// - Parameter chains: how many of its chains at the most.
    mutating func send(
        to stream: inout some VirtioStream, limit: Int, chains: Int = chainsAtOnce, hasEvents: Bool,
        _ memory: borrowing GuestMemory
    ) throws(VirtioError) -> VirtioProgress {
        var left = UInt64(limit)
        for _ in 0..<chains {
            guard let chain = try next(memory, isWritable: false) else {
                try announce(true, hasEvents: hasEvents, memory)
                if try waiting(memory) == 0 { return .idle }
                continue
            }
            var skipped = progress
            for i in 0..<chain.count {
                let length = UInt64(chain.lengths[i])
                guard skipped < length else {
                    skipped -= length
                    continue
                }
                let count = Int(min(length - skipped, left))
                guard count > 0 else { return .more }
                guard let bytes = unsafe memory.bytes(at: chain.addresses[i] + skipped, count: count) else {
                    throw .queue
                }
                let done = unsafe min(stream.take(UnsafeRawBufferPointer(bytes)), count)
                progress += UInt64(done)
                left -= UInt64(done)
                if done < count { return .idle }
                if UInt64(count) < length - skipped { return .more }
                skipped = 0
            }
            try finish(chain, written: 0, memory)
        }
        return .more
    }

    /// Puts what `stream` has into the buffers that the driver offers.
    /// - Parameter batch: where there is none, how many the driver is to offer before the one with which it notifies.
    mutating func receive(
        from stream: inout some VirtioStream, limit: Int, batch: UInt16 = 0, hasEvents: Bool,
        _ memory: borrowing GuestMemory
    ) throws(VirtioError) -> VirtioProgress {
        var left = limit
        for _ in 0..<Self.chainsAtOnce {
            guard isEnabled, stream.hasBytes else {
                try announce(false, hasEvents: hasEvents, memory)
                return .idle
            }
            guard left > 0 else { return .more }
            guard let chain = try next(memory, isWritable: true) else {
                try announce(true, batch: batch, hasEvents: hasEvents, memory)
                if try waiting(memory) == 0 { return .idle }
                continue
            }
            var written = 0
            for i in 0..<chain.count {
                let count = min(Int(chain.lengths[i]), left)
                guard count > 0, let bytes = unsafe memory.bytes(at: chain.addresses[i], count: count) else { break }
                let done = unsafe min(stream.give(bytes), count)
                written += done
                left -= done
                if done < count { break }
            }
            try finish(chain, written: UInt32(written), memory)
        }
        return .more
    }
}
