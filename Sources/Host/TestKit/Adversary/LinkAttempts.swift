import Control
import ControlClient
import Foundation
import Machines

/// What somebody who has the management link may try with it. The answer to each is the words of the statuses that came
/// back, or `silence`, and whether any partition changed.
struct LinkAttempts {
    private let adversary: AdversaryMachine
    private let kind: MachineKind

    init(_ adversary: AdversaryMachine, _ kind: MachineKind) {
        self.adversary = adversary
        self.kind = kind
    }

    func carryOut(_ name: String) throws -> Observation {
        let before = try states()
        let first = UInt32.random(in: 0...UInt32.max) & ~0xFFFF
        guard let bytes = Self.attempts[name]?(first) ?? LinkMessages.bytes(name, first) else {
            return Observation(["unknown"])
        }
        var seen = Observation(try answers(to: bytes, first))
        if name == "link-replay" {
            // A pause is over when the guest's core has seen it; a resumption before that is refused as busy.
            try adversary.wait(for: .paused, "hostile")
            try adversary.client.change(.resume, "hostile")
            try adversary.wait(for: .running, "hostile")
        }
        seen.add(try states() == before ? "unchanged" : "changed")
        return seen
    }

    private func states() throws -> [String] {
        try adversary.client.list().map { "\($0.name.string) \($0.state.name) \($0.starts)" }
    }

    /// Sends bytes, and then a question that is right, whose answer shows that all before it have been looked at. The
    /// statuses of the answers before that one, each with how many there were.
    private func answers(to bytes: [UInt8], _ first: UInt32) throws -> [String] {
        let last = first | 0xFFFF
        var receiver = FrameReceiver()
        var counts: [(name: String, count: Int)] = []
        try adversary.line.send(bytes)
        let deadline = adversary.machine.deadline(seconds: 10)
        while !deadline.isOver {
            // Asked again and again: the end of what came before may have eaten it.
            try adversary.line.send(LinkFrame(last, ControlOperation.hello.rawValue).bytes)
            let pause = ContinuousClock.now + .seconds(1 * kind.slowness)
            while ContinuousClock.now < pause {
                for byte in try adversary.line.receive(timeout: .milliseconds(100)) {
                    guard let frame = receiver.frame(after: byte), frame.header.kind == .reply else { continue }
                    let sequence = frame.header.sequence
                    if sequence == last {
                        return counts.isEmpty ? ["silence"] : counts.map { "\($0.count)-\($0.name)" }
                    }
                    guard sequence & ~0xFFFF == first else { continue }
                    let name = Self.status(of: frame.payload).replacingOccurrences(of: " ", with: "-")
                    if let known = counts.firstIndex(where: { $0.name == name }) {
                        counts[known].count += 1
                    } else {
                        counts.append((name, 1))
                    }
                }
            }
        }
        return ["dead"]
    }

    private static func status(of payload: [UInt8]) -> String {
        guard let reply = try? ReceivedReply(payload) else { return "unreadable" }
        return "\(reply.status.name)"
    }

    /// What is sent, by name; the argument is the number of the first request, to count up from.
    private static let attempts: [String: @Sendable (UInt32) -> [UInt8]] = [
        "link-bad-checksum": { LinkFrame.changes($0) { $0.damage = 1 << 7 } },
        "link-replay": { first in
            let frame = LinkFrame(first, ControlOperation.pause.rawValue, partition: "hostile").bytes
            return frame + frame + frame + frame + frame
        },
        "link-truncated": { first in
            let whole = LinkFrame(first, ControlOperation.stop.rawValue, partition: "hostile").bytes
            return (2..<whole.count - 1).flatMap { whole.prefix($0) + [0x7E] }
        },
        "link-wrong-length": { LinkFrame.changes($0) { $0.length = $0.payload.count - 1 } },
        "link-longer-length": { LinkFrame.changes($0) { $0.length = 0xFFFF } },
        "link-oversized": { LinkFrame($0, [UInt8](repeating: 0xA0, count: 4000)).bytes },
        "link-endless": { _ in [0x7E] + [UInt8](repeating: 0x55, count: 20_000) + [0x7E] },
        "link-escapes": { _ in [0x7E] + [UInt8](repeating: 0x7D, count: 5000) + [0x7E] },
        "link-flood": { _ in
            var random = FixedRandom(state: UInt64(0xF100D))
            return (0..<20_000).map { _ in UInt8(truncatingIfNeeded: random.next()) } + [0x7E]
        },
        "link-garbage-payload": { first in
            var random = FixedRandom(state: 0x6A5)
            return (0..<300).flatMap { index -> [UInt8] in
                let size = Int(random.next() % 200)
                let payload = (0..<size).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                return LinkFrame(first + UInt32(index), payload).bytes
            }
        },
        "link-request-flood": { first in
            (0..<100).flatMap { LinkFrame(first + UInt32($0), ControlOperation.list.rawValue).bytes }
        },
        "link-version": { LinkFrame.changes($0) { $0.version = 2 } },
        "link-version-0": { LinkFrame.changes($0) { $0.version = 0 } },
        "link-as-reply": { LinkFrame.changes($0) { $0.kind = 2 } },
        "link-as-event": { LinkFrame.changes($0) { $0.kind = 3 } },
        "link-kind-255": { LinkFrame.changes($0) { $0.kind = 255 } },
        "link-unknown-operation": { first in
            (UInt8(200)...255).flatMap { LinkFrame(first + UInt32($0), $0, partition: "hostile").bytes }
        },
        "link-unknown-partition": { first in
            ["nobody", "", "hostil", "hostilee", "HOSTILE", "hostile\0", "../hostile", "neighbour,hostile"].enumerated()
                .flatMap { LinkFrame(first + UInt32($0), ControlOperation.stop.rawValue, partition: $1).bytes }
        },
        "link-long-name": {
            LinkFrame($0, ControlOperation.stop.rawValue, partition: String(repeating: "h", count: 200)).bytes
        },
        "link-nested-payload": { LinkFrame($0, [UInt8](repeating: 0x81, count: 2048)).bytes },
        "link-repeated-key": { LinkFrame($0, [0xA3, 0, 6, 0, 6, 1, 0x67] + Array("hostile".utf8)).bytes },
        "link-strangers-partition": { first in
            [ControlOperation.stop, .start, .pause, .resume, .restart].enumerated().flatMap {
                LinkFrame(first + UInt32($0), $1.rawValue, partition: "neighbour").bytes
            }
        },
    ]
}

extension LinkFrame {
    /// A frame for each operation that would change the hostile partition, each wrong in the same way.
    fileprivate static func changes(_ first: UInt32, _ spoil: (inout LinkFrame) -> Void) -> [UInt8] {
        [ControlOperation.stop, .pause, .restart].enumerated().flatMap { index, operation in
            var frame = LinkFrame(first + UInt32(index), operation.rawValue, partition: "hostile")
            spoil(&frame)
            return frame.bytes
        }
    }
}

/// The same sequence for the same start (xorshift64*), so that a failure can be made again.
struct FixedRandom: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_F491_4F6C_DD1D
    }
}
