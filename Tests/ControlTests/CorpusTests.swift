import Control
import Foundation
import Link
import Manifest
import Testing

/// The fuzzer's corpus (see `Fuzz/control.sh`), replayed with the same demands. An input's first byte says what it is:
/// even, the raw line; odd, payloads each after a length byte, which are framed with a right checksum.
@Suite struct CorpusTests {
    static let files: [URL] = {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Fuzz/control-corpus")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.sorted().map { folder.appending(path: $0) }
    }()

    @Test func replay() throws {
        var statuses: Set<ControlStatus> = []
        var events = 0
        for file in Self.files {
            let bench = Bench()
            for i in 0..<3 { bench.machine.partitions[i].info.name = label(["a", "b", "sealed"][i]) }
            bench.machine.partitions[1].info.state = .stopped
            for frame in bench.feed(line([UInt8](try Data(contentsOf: file)))) {
                if frame.header.kind == .event {
                    events += 1
                    _ = try frame.event()
                } else {
                    statuses.insert(try #require(frame.status, "\(file.lastPathComponent)"))
                }
            }
            #expect(!bench.machine.calls.contains { $0.hasSuffix(" 2") }, "\(file.lastPathComponent)")
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
