import Control
import Manifest
import Testing
import UnitSupport

/// The fuzzer's corpus (`Tests/Fuzz/run control`), replayed with the same demands. An input's first byte says what it is:
/// even, the raw line; odd, payloads each after a length byte, which are framed with a right checksum.
@Suite struct CorpusTests {
    @Test func replay() throws {
        var statuses: Set<ControlStatus> = []
        var events = 0
        for (number, input) in try fuzzCorpus("control").enumerated() {
            let bench = Bench()
            for i in 0..<3 { bench.machine.partitions[i].info.name = label(["a", "b", "sealed"][i]) }
            bench.machine.partitions[1].info.state = .stopped
            for frame in bench.feed(line(input)) {
                if frame.header.kind == .event {
                    events += 1
                    _ = try frame.event()
                } else {
                    statuses.insert(try #require(frame.status, "input \(number)"))
                }
            }
            #expect(!bench.machine.calls.contains { $0.hasSuffix(" 2") }, "input \(number)")
            #expect(bench.back.damaged == 0)
        }
        // The corpus is worth its name: it reaches every answer that the server itself gives, and events.
        #expect(
            statuses.isSuperset(of: [
                .ok, .malformed, .oversized, .unknownOperation, .unknownPartition, .notPermitted, .wrongState,
                .unsupportedVersion,
            ]))
        #expect(events > 0)
    }

    private func line(_ input: [UInt8]) -> [UInt8] {
        guard let mode = input.first, mode % 2 == 1 else { return Array(input.dropFirst()) }
        var rest = input.dropFirst()
        var bytes: [UInt8] = []
        while let length = rest.popFirst() {
            bytes += Wire.frame(Array(rest.prefix(Int(length))), sequence: UInt32(rest.count))
            rest = rest.dropFirst(Int(length))
        }
        return bytes
    }
}
