import Control
import Records
import Testing

@Suite struct FrameTests {
    func receive(_ bytes: [UInt8], _ receiver: inout FrameReceiver) -> [(FrameArrival, [UInt8])] {
        var arrivals: [(FrameArrival, [UInt8])] = []
        for byte in bytes {
            guard let arrival = receiver.receive(byte) else { continue }
            var payload: [UInt8] = []
            for i in 0..<receiver.payloadCount { payload.append(receiver.payload[i]) }
            arrivals.append((arrival, payload))
        }
        return arrivals
    }

    func receive(_ bytes: [UInt8]) -> [(FrameArrival, [UInt8])] {
        var receiver = FrameReceiver()
        return receive(bytes, &receiver)
    }

    @Test func checksumIsThatOfRFC3720() {
        #expect(CRC32C(Array("123456789".utf8).span).value == 0xE306_9283)
        #expect(CRC32C([UInt8](repeating: 0, count: 32).span).value == 0x8A91_36AA)
        #expect(CRC32C([UInt8](repeating: 0xFF, count: 32).span).value == 0x62A8_AB43)
    }

    @Test func everyByteValueComesThrough() {
        let payload = (0..<2048).map { UInt8($0 & 0xFF) }
        let bytes = Wire.frame(payload, sequence: 0x7E7D_1113, kind: .event)
        #expect(!bytes.dropFirst().dropLast().contains { $0 == 0x7E || $0 == 0x11 || $0 == 0x13 })
        let arrivals = receive(bytes)
        #expect(arrivals.count == 1)
        #expect(arrivals.first?.0 == .frame(FrameHeader(kind: .event, sequence: 0x7E7D_1113)))
        #expect(arrivals.first?.1 == payload)
    }

    @Test func layoutIsAsDocumented() {
        #expect(Wire.frame([0xA0], sequence: 0x0102_0304) == Wire.rawFrame([0xA0], sequence: 0x0102_0304))
        #expect(Array(Wire.frame([0xA0], sequence: 0x0102_0304).prefix(10)) == [0x7E, 1, 1, 0, 1, 1, 2, 3, 4, 0xA0])
    }

    @Test func sequenceOfFramesSharingAFlag() {
        let first = Wire.frame([1, 2, 3], sequence: 1)
        let second = Wire.frame([4, 5], sequence: 2)
        #expect(receive(first + second).map(\.1) == [[1, 2, 3], [4, 5]])
        #expect(receive(first.dropLast() + second).map(\.1) == [[1, 2, 3], [4, 5]])
    }

    @Test func findsTheFrameAfterGarbage() {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<500 {
            var receiver = FrameReceiver()
            let garbage = (0..<Int.random(in: 0..<300, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            _ = receive(garbage, &receiver)
            #expect(receive(Wire.frame([9, 9]), &receiver).map(\.1) == [[9, 9]])
        }
    }

    @Test func truncatedFramesAreDroppedAndCounted() {
        let frame = Wire.frame(Array("some payload".utf8))
        for length in 2..<(frame.count - 1) {
            var receiver = FrameReceiver()
            #expect(receive(Array(frame[..<length]) + [0x7E], &receiver).isEmpty)
            #expect(receiver.damaged == 1)
            #expect(receive(frame, &receiver).count == 1)
        }
    }

    @Test func everySingleBitFlipIsNoticed() {
        let frame = Wire.frame(Array("a payload ~}\u{11}".utf8))
        let next = Wire.frame([1])
        for bit in 0..<(frame.count * 8) {
            var flipped = frame
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(receive(flipped + next).map(\.1) == [[1]], "bit \(bit)")
        }
    }

    @Test func oversizedFrameIsNamedNotStored() {
        for size in [2049, 2060, 5000, 70_000] {
            let arrivals = receive(Wire.rawFrame([UInt8](repeating: 5, count: size), sequence: 3))
            #expect(arrivals.map(\.0) == [.oversized(FrameHeader(kind: .request, sequence: 3))])
            #expect(arrivals.first?.1 == [])
        }
    }

    @Test func lengthFieldMustAgree() {
        let arrivals = receive(Wire.rawFrame([1, 2, 3], sequence: 4, length: 2))
        #expect(arrivals.map(\.0) == [.malformed(FrameHeader(kind: .request, sequence: 4))])
    }

    @Test func idleFlagsAreNoFrames() {
        var receiver = FrameReceiver()
        #expect(receive([UInt8](repeating: 0x7E, count: 50), &receiver).isEmpty)
        #expect(receiver.damaged == 0)
    }

    @Test func unknownKindIsDropped() {
        #expect(receive(Wire.rawFrame([1], kind: 9)).isEmpty)
    }
}

/// SplitMix64: the same numbers in each run, so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
