import Glibc

/// What clients leave behind is given back to the system: glibc keeps pages that lie below others which are still used, unless it
/// is asked, and a daemon that once had a thousand clients would have their memory for ever.
struct FreedMemory {
    /// Clients at most since memory was given back.
    private var most = 0
    /// Seconds until it is given back; nil: it is not to be.
    private var left: Int?

    /// Fewer than so many have left nothing that is worth the milliseconds.
    static let fewest = 64
    /// Timers of a connection that has gone stay for a while, the handshake's the longest, and a page with one on it is in use.
    static let delay = Limits.handshakeSeconds + 2

    /// Whether it is time, with so many clients now. Called once a second.
    mutating func isDue(_ clients: Int) -> Bool {
        most = max(most, clients)
        if let seconds = left {
            left = seconds > 1 ? seconds - 1 : nil
            guard left == nil else { return false }
            most = clients
            return true
        }
        if most - clients >= Self.fewest, clients <= most / 2 { left = Int(Self.delay) }
        return false
    }

    /// malloc_trim(3), which is in no header that Swift's module of glibc has.
    static func giveBack() {
        guard let symbol = unsafe dlsym(nil, "malloc_trim") else { return }
        // As the manual page has it: int malloc_trim(size_t pad).
        let trim = unsafe unsafeBitCast(symbol, to: (@convention(c) (Int) -> CInt).self)
        _ = unsafe trim(0)
    }
}
