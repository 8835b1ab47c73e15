import Text
import WireSeal

/// What must hold of two ends of a sealed wire whatever somebody between them does: the fuzzer and the replay of its corpus ask this.
/// Each three bytes of the input are one step; what they say they do with the frames that were seen so far.
struct SealOracle {
    private let ends = TestEnds()
    /// All that was ever on the wire.
    private var seen: [[UInt8]] = []
    /// Frames of guests: what was sealed, for which of the receiver's lives, and whether it has arrived.
    private var sent: [[UInt8]: (end: Int, life: Int, sealed: [UInt8])] = [:]
    private var arrived: Set<[UInt8]> = []
    private var lives = [0, 0]
    /// Each key has each counter once.
    private var used: Set<String> = []
    private var number: UInt32 = 0

    init() { for end in 0..<2 { ends.start(end) } }

    /// - Returns: what is wrong, or nil.
    mutating func complaint(about input: UnsafeRawBufferPointer) -> String? {
        // With a session, or before the first.
        if let first = input.first, first & 8 == 0 {
            ends.with(0) { $0.greet() }
            seen += ends.settle().map(\.frame)
        }
        for at in stride(from: 0, to: min(input.count, 3000) - 2, by: 3) {
            let end = Int(input[at] >> 7), place = Int(input[at + 1]), value = input[at + 2]
            let picked = seen.isEmpty ? [] : seen[seen.count - 1 - place % min(seen.count, 64)]
            var found: String?
            switch input[at] & 7 {
            case 0: found = send(end)
            case 1: found = deliver(picked, to: end)
            case 2:
                var changed = picked
                if !changed.isEmpty { changed[Int(value) % changed.count] ^= 1 << (input[at] >> 4 & 7) }
                found = deliver(changed, to: end)
            case 3: found = deliver(Array(picked.prefix(Int(value))), to: end)
            case 4:
                ends.start(end)
                lives[end] += 1
            case 5: if let greeting = ends.greeting(end) { seen.append(greeting) }
            case 6: found = deliver(Array(input[..<min(input.count, 1500)]), to: end)
            default:
                ends.with(end) {
                    if place == 0, let sent = $0.session?.sent {
                        $0.session?.sent = max(sent, SealedSession.frames - 1)
                    }
                }
            }
            if let found { return found }
        }
        return recovery()
    }

    private mutating func send(_ end: Int) -> String? {
        number += 1
        let plain = TestEnds.frame(56) + (0..<4).map { UInt8(truncatingIfNeeded: number >> UInt32($0 * 8)) }
        guard let sealed = ends.seal(end, plain) else { return nil }
        let session = ends.with(end) { "\($0.session?.own.high ?? 0) \($0.session?.peer.high ?? 0)" }
        guard used.insert("\(session) \(sealed[22..<30])").inserted else { return "a counter was used twice" }
        seen.append(sealed)
        sent[plain] = (end, lives[1 - end], sealed)
        return nil
    }

    private mutating func deliver(_ frame: [UInt8], to end: Int) -> String? {
        let found = ends.open(end, frame)
        if found == .taken, !seen.contains(frame) { return "a greeting that nobody has sent" }
        guard case .frame(let plain) = found else { return nil }
        guard let sender = sent[plain] else { return "a frame that nobody has sent" }
        if sender.end == end { return "a frame came back" }
        if sender.sealed != frame { return "a changed frame was taken" }
        if sender.life != lives[end] { return "a frame for who was there before" }
        return arrived.insert(plain).inserted ? nil : "a frame was taken twice"
    }

    /// Once nobody disturbs them, a few frames later they understand each other.
    private mutating func recovery() -> String? {
        for _ in 0..<4 {
            for end in 0..<2 {
                let before = seen.count
                if let found = send(end) ?? (seen.count > before ? deliver(seen[before], to: 1 - end) : nil) {
                    return found
                }
            }
            ends.settle()
        }
        return ends.passes(from: 0) && ends.passes(from: 1) ? nil : "they do not find each other any more"
    }
}
