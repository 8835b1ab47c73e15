import Platform
import Text

/// What driver and device tell each other of ports (virtio 1.2, section 5.3.6.2): eight bytes, and behind a name's its text.
struct VirtioPortMessage {
    enum Event: UInt16 {
        // Of the driver.
        case deviceReady = 0
        case portReady = 3
        // Of the device; `open` of both.
        case portAdd = 1
        case open = 6
        case name = 7
    }
    /// Its port's number in bits 31:0, its event, and its value.
    private let word: UInt64

    init(_ event: Event, value: UInt16) { word = UInt64(event.rawValue) << 32 | UInt64(value) << 48 }
    init(_ bytes: [8 of UInt8]) {
        var word: UInt64 = 0
        for i in 0..<8 { word |= UInt64(bytes[i]) << UInt64(8 * i) }
        self.word = word
    }
    var port: UInt32 { UInt32(truncatingIfNeeded: word) }
    var event: Event? { Event(rawValue: UInt16(truncatingIfNeeded: word >> 32)) }
    var value: UInt16 { UInt16(truncatingIfNeeded: word >> 48) }
    func byte(_ i: Int) -> UInt8 { UInt8(truncatingIfNeeded: word >> UInt64(8 * i)) }
}

extension VirtioFunction {
    /// Takes what the driver has to say, by queue 3.
    /// - Returns: whether there is more than one exit takes.
    mutating func takeMessages(
        for peer: inout some VirtioPeer, _ memory: borrowing GuestMemory
    ) throws(VirtioError) -> Bool {
        for _ in 0..<VirtioQueue.chainsAtOnce {
            guard let chain = try queues[3].next(memory, isWritable: false) else {
                try queues[3].announce(true, hasEvents: hasEvents, memory)
                if try queues[3].waiting(memory) == 0 { return false }
                continue
            }
            let message = chain.message(memory)
            try queues[3].finish(chain, written: 0, memory)
            guard let message else { continue }
            switch message.event {
            case .deviceReady where message.value == 1: port.isNew = true
            case .portReady where message.port == 0 && message.value == 1 && !port.isReady:
                (port.isReady, port.isUnnamed) = (true, true)
            case .open where message.port == 0 && port.isReady:
                let waiting = peer.takesBacklog ? try queues[1].waiting(memory) : 0
                port.set(isOpen: message.value != 0, waiting: waiting)
                peer.update(isOpen: port.isUp)
            default: continue
            }
        }
        return true
    }

    /// Tells the driver what it is to know, by queue 2, one after the other.
    mutating func giveMessages(
        of peer: inout some VirtioPeer, _ name: Text<31>, _ memory: borrowing GuestMemory
    ) throws(VirtioError) {
        // Of each kind one, but that who is there may go and another one come; and a look behind the announcement.
        for _ in 0..<8 {
            guard let message = nextMessage(of: &peer) else {
                return try queues[2].announce(false, hasEvents: hasEvents, memory)
            }
            guard let chain = try queues[2].next(memory, isWritable: true) else {
                try queues[2].announce(true, hasEvents: hasEvents, memory)
                if try queues[2].waiting(memory) == 0 { return }
                continue
            }
            let length = message.event == .name ? 8 + name.count : 8
            var written = 0
            for i in 0..<chain.count {
                for k in 0..<Int(min(chain.lengths[i], 64)) where written < length {
                    let byte = written < 8 ? message.byte(written) : name.bytes[written - 8]
                    memory.store(byte, at: chain.addresses[i] + UInt64(k))
                    written += 1
                }
            }
            try queues[2].finish(chain, written: UInt32(written), memory)
            // What did not fit comes again.
            if written == length { note(message, &peer) }
        }
    }

    private mutating func nextMessage(of peer: inout some VirtioPeer) -> VirtioPortMessage? {
        if port.isNew { return VirtioPortMessage(.portAdd, value: 1) }
        guard port.isReady else { return nil }
        if port.isUnnamed { return VirtioPortMessage(.name, value: 1) }
        if port.shown & 1 == 0 { return peer.opener & 1 == 0 ? nil : VirtioPortMessage(.open, value: 1) }
        // What the one who is gone has sent comes first.
        guard port.isLate(peer.opener), !port.receives || peer.isDrained else { return nil }
        return VirtioPortMessage(.open, value: 0)
    }

    /// Notes that the driver was told.
    private mutating func note(_ message: VirtioPortMessage, _ peer: inout some VirtioPeer) {
        switch message.event {
        case .portAdd: port.isNew = false
        case .name: port.isUnnamed = false
        default:
            port.shown = message.value == 0 ? 0 : peer.opener
            peer.follow(port.shown)
        }
    }
}

extension VirtioChain {
    /// The first eight bytes of what a driver has sent; nil where there are fewer.
    fileprivate func message(_ memory: borrowing GuestMemory) -> VirtioPortMessage? {
        var found = [8 of UInt8](repeating: 0), filled = 0
        for i in 0..<count where filled < 8 {
            guard let bytes = unsafe memory.bytes(at: addresses[i], count: min(Int(lengths[i]), 8 - filled)) else {
                return nil
            }
            for k in 0..<bytes.count {
                found[filled] = unsafe bytes[k]
                filled += 1
            }
        }
        return filled == 8 ? VirtioPortMessage(found) : nil
    }
}
