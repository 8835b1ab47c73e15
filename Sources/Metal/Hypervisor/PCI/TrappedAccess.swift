/// One access to registers that the hypervisor stands in for, while the guest's instruction runs on the page behind `bus`:
/// the doublewords around the address are put there before, and what differs afterwards is what the guest wrote; where a
/// write leaves no difference, it wrote what was there, as drivers do that clear events. No instruction is decoded
/// (decisions/unclaimed-memory.md).
struct TrappedAccess {
    /// Guest-physical address of the first doubleword; `count` is 0 while no access is under way.
    private var start: UInt64 = 0
    private var count = 0
    private var isWrite = false
    private var values: [4 of UInt32] = .init(repeating: 0)

    /// `page` holds ones and nobody else's access: it is this core's alone.
    mutating func begin(at address: UInt64, _ isWrite: Bool, page: UInt64, read: (UInt64) -> UInt64) {
        start = address & ~3
        self.isWrite = isWrite
        // An access of up to 16 bytes; what it touches in the next page is that page's own matter.
        count = Int(min(16, 4096 - start & 0xFFF) / 4)
        for i in 0..<count {
            values[i] = UInt32(truncatingIfNeeded: read(start + UInt64(i) * 4))
            store(values[i], page + start & 0xFFF + UInt64(i) * 4)
        }
    }

    /// Tells what the instruction changed, and forgets the access.
    mutating func end(page: UInt64, write: (UInt64, UInt64) -> Void) {
        var hasWritten = false
        for i in 0..<count {
            let now: UInt32 = load(page + start & 0xFFF + UInt64(i) * 4)
            guard now != values[i] else { continue }
            hasWritten = true
            write(start + UInt64(i) * 4, UInt64(now))
        }
        defer { count = 0 }
        if isWrite, count > 0, !hasWritten { write(start, UInt64(values[0])) }
    }

    /// The instruction may not have come to its end: it runs again, or never.
    mutating func abandon() { count = 0 }
}
