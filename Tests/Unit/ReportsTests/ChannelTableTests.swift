import Control
import ControlClient
import Foundation
import Testing

@testable import Reports

@Suite struct ChannelTableTests {
    /// Of shared memory nothing is counted, and nothing is said of a link.
    @Test func eachEndHasARow() throws {
        var wire = ChannelCounters(), memory = ChannelCounters()
        wire.name = "lan"
        (wire.link, wire.frames, wire.bytes, wire.dropped, wire.kicks) = (1, 20, 3000, 2, 5)
        memory.name = "setpoints"
        memory.link = ChannelCounters.memory
        var statistics = PartitionStatistics(clockMicroseconds: 0, vcpus: []), before = statistics
        statistics.channels = [wire, memory]
        wire.frames = 15
        before.channels = [wire, memory]
        let counts = ChannelCount.all("router", statistics, since: before)
        let lines = ChannelTable(counts).lines
        #expect(lines.count == 4)
        #expect(lines[2].split(separator: " ") == ["lan", "router", "up", "5", "0", "0", "0"])
        #expect(lines[3].split(separator: " ") == ["setpoints", "router", "memory", "-", "-", "-", "-"])
        #expect(counts[0].link == true && counts[1].link == nil && ChannelTable([]).lines.isEmpty)
        let json = String(decoding: try JSONEncoder().encode(counts[1]), as: UTF8.self)
        #expect(!json.contains("link"))
    }
}
