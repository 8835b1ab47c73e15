import Foundation
import ManifestRules

/// What came out: of each call and number of connections the round in the middle of each server, and how they compare.
public struct LibvirtBenchReport: Codable, Sendable {
    struct Window: Hashable {
        let call: BenchCall
        let connections: Int
    }

    public struct Figure: Codable, Sendable {
        public let call: BenchCall
        public let connections: Int
        public let bulkheadd: CallStatistics
        /// nil: it was not measured.
        public let libvirtd: CallStatistics?
        /// Calls a second of ours by libvirtd's, each round's by itself: the one in the middle.
        public let ratio: Double?
    }

    public struct Memory: Codable, Sendable {
        public let server: String
        /// Resident, before the first connection and after the last window with all of them open.
        public let idleBytes: Int
        public let connectedBytes: Int

        enum CodingKeys: String, CodingKey {
            case server
            case idleBytes = "idle_bytes"
            case connectedBytes = "connected_bytes"
        }
    }

    /// Steps when a field changes its meaning; fields are only ever added.
    public private(set) var schema = 1
    public let rounds: Int
    /// Of each window.
    public let seconds: Double
    /// Connections that were open while memory was read.
    public let connections: Int
    /// nil: it was not measured.
    public let libvirtVersion: String?
    public let figures: [Figure]
    public let memory: [Memory]

    enum CodingKeys: String, CodingKey {
        case schema, rounds, seconds, connections, figures, memory
        case libvirtVersion = "libvirt_version"
    }

    /// - Parameter windows: of each round ours, and libvirtd's where it was measured.
    init(
        _ windows: [Window: [[CallStatistics]]], _ memory: [Memory], rounds: Int, seconds: Double, version: String?
    ) {
        (self.memory, self.rounds, self.seconds, libvirtVersion) = (memory, rounds, seconds, version)
        connections = windows.keys.map(\.connections).max() ?? 0
        let order = windows.keys.sorted { a, b in
            let calls = BenchCall.allCases
            let first = (calls.firstIndex(of: a.call) ?? 0, a.connections)
            return first < (calls.firstIndex(of: b.call) ?? 0, b.connections)
        }
        figures = order.map { window in
            let rounds = windows[window] ?? []
            let ratios = rounds.filter { $0.count > 1 }.map { $0[0].callsPerSecond / $0[1].callsPerSecond }
            return Figure(
                call: window.call, connections: window.connections,
                bulkheadd: Self.middle(rounds.compactMap(\.first)),
                libvirtd: ratios.isEmpty ? nil : Self.middle(rounds.map { $0[1] }),
                ratio: ratios.isEmpty ? nil : CallStatistics.median(ratios))
        }
    }

    /// The round with as many calls a second as half of all rounds have at most.
    static func middle(_ rounds: [CallStatistics]) -> CallStatistics {
        CallStatistics.percentile(rounds.sorted { $0.callsPerSecond < $1.callsPerSecond }, 50)
    }

    /// One object, with sorted keys and a line feed behind it.
    public func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return Data((printableJSON(String(decoding: try encoder.encode(self), as: UTF8.self)) + "\n").utf8)
    }
}
