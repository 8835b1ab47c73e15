import Control

/// Requests that are no requests, one fault each, and right ones at the edge of what a manager may ask.
enum LinkMessages {
    private static let stop = ControlOperation.stop.rawValue
    /// Key 1, and `hostile` as its text.
    private static let name: [UInt8] = [1, 0x67] + Array("hostile".utf8)

    /// What is sent; `first` is the number of the first request, to count up from.
    static func bytes(_ name: String, _ first: UInt32) -> [UInt8]? {
        payloads[name].map { LinkFrame(first, $0).bytes } ?? edges[name]?(first) ?? floods[name]?(first)
    }

    /// Each stops the partition if its fault is not seen.
    private static let payloads: [String: [UInt8]] = [
        "link-empty": [],
        "link-empty-map": [0xA0],
        "link-number-alone": [stop],
        "link-array": [0x84, 0, stop] + name,
        "link-trailing-byte": [0xA2, 0, stop] + name + [0],
        "link-second-request": [0xA2, 0, stop] + name + [0xA2, 0, stop] + name,
        "link-endless-map": [0xBF, 0, stop] + name + [0xFF],
        "link-huge-map": [0xBB] + [UInt8](repeating: 0xFF, count: 8) + [0, stop] + name,
        "link-huge-name": [0xA2, 0, stop, 1, 0x7B] + [UInt8](repeating: 0xFF, count: 8) + Array("hostile".utf8),
        "link-name-in-pieces": [0xA2, 0, stop, 1, 0x7F, 0x67] + Array("hostile".utf8) + [0xFF],
        "link-name-cut": [0xA2, 0, stop, 1, 0x67] + Array("hos".utf8),
        "link-name-as-bytes": [0xA2, 0, stop, 1, 0x47] + Array("hostile".utf8),
        "link-name-of-escapes": [0xA2, 0, stop, 1, 0x67] + Array("hos\u{1B}ile".utf8),
        "link-name-as-map": [0xA2, 0, stop, 1, 0xA0],
        "link-name-null": [0xA2, 0, stop, 1, 0xF6],
        "link-number-padded": [0xA2, 0, 0x18, stop] + name,
        "link-number-of-8-bytes": [0xA2, 0, 0x1B, 0, 0, 0, 0, 0, 0, 0, stop] + name,
        "link-number-negative": [0xA2, 0, 0x20 | stop] + name,
        "link-number-beyond-byte": [0xA2, 0, 0x19, 1, stop] + name,
        "link-number-as-text": [0xA2, 0, 0x64] + Array("stop".utf8) + name,
        "link-number-as-float": [0xA2, 0, 0xF9, 0x46, 0] + name,
        "link-number-tagged": [0xA2, 0, 0xC1, stop] + name,
        "link-undefined-head": [0xA2, 0, 0x1C, stop] + name,
        "link-keys-unsorted": [0xA2] + name + [0, stop],
        "link-key-as-text": [0xA2, 0x61, 0x30, stop] + name,
        "link-key-unknown": [0xA3, 0, stop] + name + [6, 0],
        "link-no-name": [0xA1, 0, stop],
        "link-name-for-hello": [0xA2, 0, ControlOperation.hello.rawValue] + name,
        "link-vcpu-beyond": [0xA3, 0, ControlOperation.statistics.rawValue] + name + [2, 0x18, 63],
        "link-vcpu-outside": [0xA3, 0, ControlOperation.statistics.rawValue] + name + [2, 0x18, 64],
        "link-write-too-much":
            [0xA3, 0, ControlOperation.consoleWrite.rawValue] + name + [4, 0x59, 4, 1]
            + [UInt8](repeating: 0x20, count: 1025),
        "link-events-by-number": [0xA2, 0, ControlOperation.events.rawValue, 5, 1],
    ]

    private static let edges: [String: @Sendable (UInt32) -> [UInt8]] = [
        "link-console-at-end": { first in
            LinkFrame(
                first,
                [0xA3, 0, ControlOperation.consoleRead.rawValue] + name + [3, 0x1B] + [UInt8](repeating: 0xFF, count: 8)
            ).bytes
        },
        "link-inventory-at-end": { first in
            LinkFrame(
                first, [0xA2, 0, ControlOperation.inventory.rawValue, 3, 0x1B] + [UInt8](repeating: 0xFF, count: 8)
            ).bytes
        },
        "link-resume-running": { LinkFrame($0, ControlOperation.resume.rawValue, partition: "hostile").bytes },
        "link-start-running": { LinkFrame($0, ControlOperation.start.rawValue, partition: "hostile").bytes },
        "link-strangers-self-check": {
            LinkFrame($0, ControlOperation.selfCheck.rawValue, partition: "neighbour").bytes
        },
    ]

    /// As many as the line carries, each with its own number: all are answered, and none of them is felt.
    private static let floods: [String: @Sendable (UInt32) -> [UInt8]] = [
        "link-self-check-flood": { flood($0, .selfCheck, "hostile") },
        "link-inventory-flood": { first in
            (0..<60).flatMap { LinkFrame(first + $0, [0xA2, 0, ControlOperation.inventory.rawValue, 3, 0]).bytes }
        },
        "link-refused-flood": { flood($0, .stop, "neighbour") },
        "link-wrong-state-flood": { flood($0, .resume, "hostile") },
        "link-tiny-frames": { _ in (0..<2000).flatMap { [0x7E, UInt8(truncatingIfNeeded: $0)] } + [0x7E] },
    ]

    private static func flood(_ first: UInt32, _ operation: ControlOperation, _ partition: String) -> [UInt8] {
        (0..<60).flatMap { LinkFrame(first + $0, operation.rawValue, partition: partition).bytes }
    }
}
