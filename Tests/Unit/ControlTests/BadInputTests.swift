import Control
import Manifest
import Testing

/// Whatever comes down the line: a named error or silence, and nothing changed.
@Suite struct BadInputTests {
    @Test func oversizedFramesAreNamed() {
        let bench = Bench()
        let answers = bench.feed(Wire.rawFrame([UInt8](repeating: 0xA0, count: 3000), sequence: 11))
        #expect(answers.map(\.status) == [.oversized] && answers[0].header.sequence == 11)
    }

    @Test func otherVersionsAreNamed() {
        let bench = Bench()
        let hello = Wire.payload(ControlRequest(.hello))
        #expect(bench.feed(Wire.frame(hello, version: 2)).map(\.status) == [.unsupportedVersion])
        #expect(bench.feed(Wire.frame(hello, version: 0)).map(\.status) == [.unsupportedVersion])
    }

    @Test func unknownOperationsAreNamed() {
        let bench = Bench()
        #expect(bench.feed(Wire.frame([0xA1, 0x00, 0x18, 0x63])).map(\.status) == [.unknownOperation])
        #expect(
            bench.feed(Wire.frame([0xA2, 0x00, 0x18, 0x63, 0x18, 0x50, 0x80])).map(\.status) == [.unknownOperation])
    }

    @Test func fieldsMustBeThoseOfTheOperation() {
        let bench = Bench()
        let refused: [[UInt8]] = [
            [], [0xA0], [0x00], [0xA1, 0x01, 0x00],
            [0xA1, 0x00, 0x05],  // start, of whom?
            [0xA2, 0x00, 0x01, 0x05, 0xF5],  // list has no fields
            [0xA2, 0x00, 0x0A, 0x05, 0x01],  // events: 1 is not true
            [0xA1, 0x00, 0x18, 0x01],  // not the shortest form
            [0xA1, 0x00, 0x01, 0x00],  // bytes left over
            [0xA2, 0x00, 0x05, 0x01, 0x61, 0xFF],  // not UTF-8
            [0xA2, 0x00, 0x05, 0x01, 0x78, 0x20] + [UInt8](repeating: 0x61, count: 32),  // a name too long
            [0xA2, 0x00, 0x05, 0x06, 0x00],  // no such key
            [0xBF, 0x00, 0x00, 0xFF],  // indefinite length
        ]
        for payload in refused { #expect(bench.feed(Wire.frame(payload)).map(\.status) == [.malformed], "\(payload)") }
        var write = ControlRequest(.consoleWrite)
        write.partition = label("workload")
        let long = Wire.payload(write, data: [UInt8](repeating: 1, count: 1025))
        #expect(bench.feed(Wire.frame(long)).map(\.status) == [.malformed])
        #expect(bench.machine.calls.isEmpty)
    }

    @Test func everyTruncationOfEachMessageIsRefused() {
        for request in Wire.requests() {
            let payload = Wire.payload(request, data: [1, 2, 3])
            for length in 0..<payload.count {
                let bench = Bench()
                #expect(bench.feed(Wire.frame(Array(payload[..<length]))).map(\.status) == [.malformed])
                #expect(bench.machine.calls.isEmpty)
            }
        }
    }

    @Test func everyBitFlipOnTheLineIsSilence() {
        for request in Wire.requests() {
            let frame = Wire.frame(Wire.payload(request, data: [1, 2, 3]))
            for bit in 0..<(frame.count * 8) {
                var flipped = frame
                flipped[bit / 8] ^= 1 << UInt8(bit % 8)
                let bench = Bench()
                #expect(bench.feed(flipped).isEmpty, "\(request.operation), bit \(bit)")
                #expect(bench.machine.calls.isEmpty)
                #expect(bench.ask(ControlRequest(.hello))?.status == .ok)
            }
        }
    }

    @Test func everyBitFlipUnderAValidChecksumIsAnswered() {
        for request in Wire.requests() {
            let payload = Wire.payload(request, data: [1, 2, 3])
            for bit in 0..<(payload.count * 8) {
                var flipped = payload
                flipped[bit / 8] ^= 1 << UInt8(bit % 8)
                let bench = Bench()
                let answers = bench.feed(Wire.frame(flipped)).filter { $0.header.kind == .reply }
                #expect(answers.count == 1 && answers[0].status != nil, "\(request.operation), bit \(bit)")
                if answers.first?.status != .ok { #expect(bench.machine.calls.isEmpty) }
            }
        }
    }

    @Test func repliesAndEventsAreNotAnswered() {
        let bench = Bench()
        let hello = Wire.payload(ControlRequest(.hello))
        #expect(bench.feed(Wire.frame(hello, kind: .reply) + Wire.frame(hello, kind: .event)).isEmpty)
        #expect(bench.ask(ControlRequest(.hello))?.status == .ok)
    }

    @Test func bytesThatComeTooEarlyAreCountedAndTheNextFrameIsFound() {
        let bench = Bench()
        let hello = Wire.frame(Wire.payload(ControlRequest(.hello)))
        for byte in hello + hello { bench.server.receive(byte) }
        #expect(bench.server.overrunBytes == UInt64(hello.count))
        #expect(bench.settle().count == 1)
        #expect(bench.feed(hello).count == 1)
    }

    @Test func noiseChangesNothing() {
        var random = SeededGenerator(seed: 42)
        let bench = Bench()
        for _ in 0..<200_000 { _ = bench.feed([UInt8.random(in: 0...255, using: &random)]) }
        #expect(bench.machine.calls.isEmpty)
        #expect(bench.feed([0x7E] + Wire.frame(Wire.payload(ControlRequest(.list)))).last?.status == .ok)
    }
}
