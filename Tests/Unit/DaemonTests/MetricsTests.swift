import Control
import ControlClient
@testable import Daemon
import Foundation
import FoundationNetworking
import LibvirtWire
import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Resources
import Testing

/// What Prometheus reads: a page that is what is so, on a port that nobody can hold.
@Suite struct MetricsTests {
    /// The page's samples by name and labels; a line that is none is an issue.
    private func samples(_ page: String) throws -> [String: Double] {
        var found: [String: Double] = [:], family = "", families: Set<String> = []
        for line in page.split(separator: "\n") {
            let type = line.firstMatch(of: /^# TYPE ([a-z_]+) (counter|gauge|histogram)$/)
            if let type {
                family = String(type.1)
                #expect(families.insert(family).inserted, "twice: \(line)")
            }
            if line.hasPrefix("#") { continue }
            let parts = line.split(separator: " "), sample = parts.dropLast().joined(separator: " ")
            #expect(!family.isEmpty && sample.hasPrefix(family), "\(line)")
            let isSample = sample.wholeMatch(of: /[a-z_]+(\{[a-z]+="([^"\\]|\\.)*"(,[a-z]+="([^"\\]|\\.)*")*\})?/)
            #expect(isSample != nil, "\(line)")
            let value = try #require(parts.last.flatMap { Double($0) }, "\(line)")
            #expect(found.updateValue(value, forKey: sample) == nil, "twice: \(line)")
        }
        return found
    }

    private final class Reader {}

    private func page(_ bench: DaemonBench) -> String? {
        var text: String?
        let reader = Reader()
        bench.daemon.metrics.make(bench.daemon, for: reader) { text = $0 }
        bench.work()
        return text
    }

    @Test func whatIsNamedStaysInItsQuotes() {
        var page = MetricsText()
        page.family("a", .gauge, "with \\ and\na line") { $0.sample(1, ["name": "a\"b\\c\nd"]) }
        page.family("none", .gauge, "has no samples") { _ in }
        #expect(page.text == "# HELP a with \\\\ and\\na line\n# TYPE a gauge\na{name=\"a\\\"b\\\\c\\nd\"} 1\n")
    }

    @Test func thePageIsWhatIsSo() throws {
        let bench = try DaemonBench(), client = try bench.client()
        _ = try bench.client(isReadOnly: true)
        var partitions = MemoryMachine.two
        (partitions[0].state, partitions[0].starts, partitions[0].uptimeMicroseconds) = (.running, 3, 1_500_000)
        bench.daemon.take(.partitions(partitions))
        bench.machine.with { $0.counters[.cpuid] = 7 }
        for (kind, name, lost) in [(ControlEvent.Kind.device, "loop", 2), (.device, "other", 0), (.attack, "loop", 1)] {
            var event = ControlEvent(kind)
            (event.partition, event.lost) = (label(name), UInt64(lost))
            bench.daemon.take(.event(event))
        }
        try client.call("connect_get_type")
        try client.call("domain_lookup_by_name") { $0.string("nobody") }
        let found = try samples(#require(page(bench)))
        let expected: [String: Double] = [
            "bulkhead_up": 1, "bulkhead_statistics_up": 1,
            "bulkhead_machine_info{machine=\"m\",version=\"0.1.0\"}": 1,
            "bulkhead_partition_state{partition=\"loop\",state=\"running\"}": 1,
            "bulkhead_partition_state{partition=\"loop\",state=\"stopped\"}": 0,
            "bulkhead_partition_state{partition=\"workload\",state=\"stopped\"}": 1,
            "bulkhead_partition_starts_total{partition=\"loop\"}": 3,
            "bulkhead_partition_uptime_seconds{partition=\"loop\"}": 1.5,
            "bulkhead_exits_total{partition=\"loop\",vcpu=\"0\",reason=\"cpuid\"}": 7,
            "bulkhead_exits_total{partition=\"loop\",vcpu=\"0\",reason=\"msr\"}": 0,
            "bulkhead_device_refusals_total{partition=\"loop\"}": 1,
            "bulkhead_device_refusals_total{partition=\"\"}": 1,
            "bulkhead_attacks_total{partition=\"loop\"}": 1, "bulkhead_events_lost_total": 3,
            "bulkhead_attacks_total{partition=\"workload\"}": 0,
            "bulkheadd_errors_total{code=\"87\",error=\"resourceBusy\"}": 0,
            "bulkheadd_calls_total{procedure=\"connect_get_type\"}": 1,
            "bulkheadd_errors_total{code=\"42\",error=\"noDomain\"}": 1,
            "bulkheadd_call_seconds_bucket{le=\"+Inf\"}": 2, "bulkheadd_call_seconds_count": 2,
            "bulkheadd_clients{access=\"change\"}": 1, "bulkheadd_clients{access=\"read\"}": 1,
        ]
        for (sample, value) in expected { #expect(found[sample] == value, "\(sample)") }
        #expect(!found.keys.contains { $0.hasPrefix("bulkhead_exits_total{partition=\"workload\"") })
        // The silicon counts no traffic here.
        #expect(!found.keys.contains { $0.hasPrefix("bulkhead_traffic") })
    }

    /// Counters that begin again are no resets: what is told only rises, or is not told.
    @Test func trafficIsSummed() {
        func reading(_ seconds: Double, _ counter: UInt64?, wrap: UInt64 = 1 << 44) -> [String: PartitionStatistics] {
            var statistics = PartitionStatistics(clockMicroseconds: UInt64(seconds * 1e6), vcpus: [])
            var traffic = TrafficCounters()
            (traffic.wrap, traffic.total) = (wrap, counter)
            statistics.traffic = traffic
            return ["loop": statistics]
        }
        var sums = TrafficSums()
        sums.add(reading(1, 1 << 43))
        #expect(sums.totals.isEmpty, "there is nothing to compare it with")
        sums.add(reading(5, 3 << 42))
        #expect(sums.totals == ["loop": 1 << 42])
        // It begins again.
        sums.add(reading(9, 1 << 40))
        #expect(sums.totals == ["loop": 1 << 42 + 1 << 42 + 1 << 40])
        // It may have begun again twice: then the sum begins anew.
        sums.add(reading(60, 2 << 40))
        #expect(sums.totals.isEmpty)
        sums.add(reading(61, 3 << 40))
        #expect(sums.totals == ["loop": 1 << 40])
        sums.add(reading(62, nil))
        #expect(sums.totals.isEmpty)
        // Another machine's partitions are others.
        sums.add([:])
        sums.add(reading(63, 1))
        #expect(sums.totals.isEmpty)
    }

    /// Of a machine that does not answer nothing is said; of partitions that permit no statistics, nothing of their exits.
    @Test func whatIsNotKnownIsNotSaid() throws {
        var partitions = MemoryMachine.two
        (partitions[0].state, partitions[1].state) = (.running, .running)
        partitions[0].permits = .init()
        let bench = try DaemonBench(partitions)
        var found = try samples(#require(page(bench)))
        #expect(found["bulkhead_statistics_up"] == 1)
        #expect(!found.keys.contains { $0.hasPrefix("bulkhead_exits_total{partition=\"loop\"") })
        #expect(found.keys.contains { $0.hasPrefix("bulkhead_exits_total{partition=\"workload\"") })
        bench.daemon.take(.down("gone"))
        bench.loop.advanceTime(by: .seconds(2))
        found = try samples(#require(page(bench)))
        #expect(found["bulkhead_up"] == 0 && found["bulkhead_statistics_up"] == 0)
        #expect(!found.keys.contains { $0.hasPrefix("bulkhead_partition_") || $0.contains("machine=") })
        #expect(!found.keys.contains { $0.hasPrefix("bulkhead_exits") })
    }

    /// A bench with a partition that runs.
    private func runningBench() throws -> DaemonBench {
        var partitions = MemoryMachine.two
        partitions[0].state = .running
        return try DaemonBench(partitions)
    }

    /// However many ask, the machine is asked once a second, and a client's made-up procedures have one place.
    @Test func askingCostsLittle() throws {
        let bench = try runningBench(), client = try bench.client(), metrics = bench.daemon.metrics
        let readers = (0..<100).map { _ in Reader() }
        var given = 0
        for reader in readers { metrics.make(bench.daemon, for: reader) { _ in given += 1 } }
        #expect(given == 0)
        // Whoever has gone is not given it.
        metrics.forget(readers[7])
        bench.work()
        #expect(given == 99)
        // Without the machine: the link is not turned.
        metrics.make(bench.daemon, for: readers[0]) { _ in given += 1 }
        #expect(given == 100)
        bench.loop.advanceTime(by: .milliseconds(1001))
        metrics.make(bench.daemon, for: readers[0]) { _ in given += 1 }
        #expect(given == 100)
        bench.work()
        #expect(given == 101)
        for number: Int32 in [0, -1, 100_000, .max] {
            try client.connection.receive(Packet(PacketHeader(procedure: number, type: .call, serial: 1), []))
        }
        bench.loop.advanceTime(by: .seconds(2))
        let found = try samples(#require(page(bench)))
        #expect(found["bulkheadd_calls_total{procedure=\"unknown\"}"] == 4)
        #expect(found.keys.count { $0.hasPrefix("bulkheadd_calls_total") } == 1)
    }

    /// A machine that does not come to answer keeps nobody from the rest of the page, and what it answers in the end is not the next one's.
    @Test func aSlowMachineIsNotWaitedFor() throws {
        let bench = try runningBench(), reader = Reader()
        var pages: [String] = []
        bench.daemon.metrics.make(bench.daemon, for: reader) { pages.append($0) }
        bench.loop.advanceTime(by: .milliseconds(2999))
        #expect(pages.isEmpty)
        bench.loop.advanceTime(by: .milliseconds(1))
        #expect(pages.count == 1)
        let found = try samples(pages[0])
        #expect(found["bulkhead_up"] == 1 && found["bulkhead_statistics_up"] == 0)
        #expect(found["bulkhead_partition_state{partition=\"loop\",state=\"running\"}"] == 1)
        bench.loop.advanceTime(by: .milliseconds(1001))
        var partitions = MemoryMachine.two
        partitions[1].state = .running
        bench.daemon.take(.partitions(partitions))
        bench.daemon.metrics.make(bench.daemon, for: reader) { pages.append($0) }
        bench.work()
        let next = try samples(#require(pages.last))
        #expect(pages.count == 2 && next["bulkhead_statistics_up"] == 1)
        #expect(next.keys.contains { $0.hasPrefix("bulkhead_exits_total{partition=\"workload\"") })
        bench.loop.advanceTime(by: .seconds(10))
        #expect(pages.count == 2)
    }

    /// Names come and go with machines; counters of those that are gone do not stay.
    @Test func aMachineDoesNotFillThePage() throws {
        let bench = try DaemonBench()
        for number in 0..<50 {
            let partitions = (0..<8).map { MemoryMachine.info("p\(number)-\($0)", cores: 2, memory: 1 << 30) }
            bench.daemon.take(.partitions(partitions))
            for partition in partitions {
                var event = ControlEvent(.fault)
                event.partition = partition.name
                bench.daemon.take(.event(event))
            }
            bench.loop.advanceTime(by: .seconds(2))
            #expect(try samples(#require(page(bench))).keys.count { $0.hasPrefix("bulkhead_faults_total") } == 8)
        }
        #expect(bench.daemon.metrics.events.counts.count <= 16)
        bench.up([MemoryMachine.info("p49-0", cores: 2, memory: 1 << 30)], "another")
        bench.loop.advanceTime(by: .seconds(2))
        #expect(try samples(#require(page(bench)))["bulkhead_faults_total{partition=\"p49-0\"}"] == 0)
    }

    /// What is dropped on the way is counted.
    @Test func whatTheLoopWasTooSlowForIsLost() {
        var queue = NewsQueue()
        for _ in 0..<NewsQueue.maxEvents + 10 { _ = queue.append(.event(ControlEvent(.fault))) }
        #expect(queue.take().count == NewsQueue.maxEvents)
        _ = queue.append(.event(ControlEvent(.fault)))
        guard case .event(let event) = queue.take().first else { return #expect(Bool(false)) }
        #expect(event.lost == 10)
    }

    @Test(arguments: [
        ("9100", "127.0.0.1", 9100), ("0.0.0.0:1", "0.0.0.0", 1), ("[::1]:65535", "::1", 65535),
        ("[::]:0", "::", 0),
    ]) func anAddress(_ text: String, _ host: String, _ port: Int) {
        let address = ListenAddress(text)
        #expect(address?.host == host && address?.port == port)
    }

    @Test(arguments: [
        "", ":", ":1", "65536", "-1", "+1", "a:1", "localhost:1", "::1:9100", "[::1]", "[::1]:", "1:2:3", "1.2.3:1",
    ])
    func noAddress(_ text: String) { #expect(ListenAddress(text) == nil) }

    // MARK: The port

    private func connect(_ bench: DaemonBench) throws -> EmbeddedChannel {
        let channel = EmbeddedChannel(loop: bench.loop)
        try MetricsHandler.add(to: channel, bench.daemon)
        channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        return channel
    }

    private func ask(_ request: String, _ bench: DaemonBench) throws -> String {
        let channel = try connect(bench)
        // What cannot be read is an error of the channel's, too.
        _ = try? channel.writeInbound(ByteBuffer(string: request))
        bench.work()
        var answer = ""
        while let part = try? channel.readOutbound(as: ByteBuffer.self) { answer += String(buffer: part) }
        #expect(!channel.isActive)
        _ = try? channel.finish(acceptAlreadyClosed: true)
        return answer
    }

    @Test func onePathIsRead() throws {
        let bench = try DaemonBench()
        let page = try ask("GET /metrics?a=b HTTP/1.1\r\nhost: m\r\n\r\n", bench)
        #expect(page.hasPrefix("HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4; charset=utf-8\r\n"))
        #expect(page.contains("\nbulkhead_up 1\n") && page.hasSuffix("\n"))
        for (request, status) in [
            ("GET / HTTP/1.1\r\n\r\n", "404 Not Found"), ("GET /metrics/../x HTTP/1.1\r\n\r\n", "404 Not Found"),
            ("POST /metrics HTTP/1.1\r\ncontent-length: 1\r\n\r\na", "405 Method Not Allowed"),
            ("DELETE /metrics HTTP/1.1\r\n\r\n", "405 Method Not Allowed"), ("nonsense\r\n\r\n", "400 Bad Request"),
        ] {
            let answer = try ask(request, bench)
            #expect(answer.hasPrefix("HTTP/1.1 \(status)\r\n"), "\(request): \(answer)")
        }
        let head = try ask("HEAD /metrics HTTP/1.1\r\n\r\n", bench)
        #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n") && head.hasSuffix("\r\n\r\n"))
        #expect(bench.daemon.metrics.readers == 0)
    }

    /// One answer, whatever comes behind the first head in one piece: more requests, a body in pieces; long heads are refused.
    @Test(arguments: [false, true]) func aConnectionHasOneAnswer(isMade: Bool) throws {
        let bench = try runningBench()
        if isMade { _ = page(bench) }
        let first = "GET /metrics HTTP/1.1\r\n\r\n"
        let chunked = " /metrics HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"
        for (request, status) in [
            (String(repeating: first, count: 2000), "200 OK"),
            (first + String(repeating: "GET / HTTP/1.0\r\n\r\n", count: 20_000), "200 OK"),
            ("GET" + chunked + String(repeating: "1\r\na\r\n", count: 20_000), "200 OK"),
            ("POST" + chunked + String(repeating: "1\r\na\r\n", count: 20_000), "405 Method Not Allowed"),
            ("GET /metrics HTTP/1.1\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n", "200 OK"),
        ] {
            let answer = try ask(request, bench)
            #expect(answer.hasPrefix("HTTP/1.1 \(status)\r\n"), "\(request.prefix(60)): \(answer.prefix(60))")
            #expect(answer.matches(of: /HTTP\/1\.[01] [0-9]/).count == 1)
        }
        // Many fields, long ones, and a few that are long together.
        for (length, count) in [(1, 3000), (9000, 1), (1000, 20)] {
            let fields = String(repeating: "a: \(String(repeating: "b", count: length))\r\n", count: count)
            #expect(try !ask("GET /metrics HTTP/1.1\r\n\(fields)\r\n", bench).contains("200 OK"), "\(length)")
        }
        #expect(bench.daemon.metrics.readers == 0)
    }

    /// Nothing is kept for those who leave while the page is made.
    @Test func whoLeavesIsForgotten() throws {
        let bench = try runningBench()
        for _ in 0..<100 {
            let channel = try connect(bench)
            try channel.writeInbound(ByteBuffer(string: "GET /metrics HTTP/1.1\r\n\r\n"))
            #expect(bench.daemon.metrics.isAwaited)
            _ = try channel.finish(acceptAlreadyClosed: true)
            #expect(!bench.daemon.metrics.isAwaited)
        }
        bench.work()
        #expect(bench.daemon.metrics.readers == 0)
    }

    /// Who never comes to an end of asking has ten seconds, and there are sixteen places.
    @Test func nobodyHoldsThePort() throws {
        let bench = try DaemonBench()
        let slow = try (0..<16).map { _ in try connect(bench) }
        for channel in slow { try channel.writeInbound(ByteBuffer(string: "GET /metr")) }
        #expect(try !connect(bench).isActive)
        bench.loop.advanceTime(by: .seconds(9))
        #expect(slow.allSatisfy { $0.isActive })
        bench.loop.advanceTime(by: .seconds(1))
        #expect(slow.allSatisfy { !$0.isActive })
        #expect(bench.daemon.metrics.readers == 0)
        #expect(try ask("GET /metrics HTTP/1.1\r\n\r\n", bench).contains("\nbulkhead_up 1\n"))
    }

    @Test func itIsServed() async throws {
        let folder = try TemporaryFolder()
        var configuration = DaemonConfiguration(machine: folder.path + "/link.sock", folder: folder.path)
        configuration.metrics = ListenAddress("127.0.0.1:0")
        let server = try DaemonServer(configuration, log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        defer { withExtendedLifetime(folder) { server.stop() } }
        let url = try #require(server.metrics.flatMap(URL.init))
        let (page, answer) = try await URLSession.shared.data(from: url)
        #expect((answer as? HTTPURLResponse)?.statusCode == 200)
        #expect(String(decoding: page, as: UTF8.self).contains("\nbulkhead_up 0\n"))
    }

    /// Each number that the dashboard shows is one that is served.
    @Test func theDashboardAsksForWhatThereIs() throws {
        let bench = try runningBench(), client = try bench.client()
        try client.call("domain_lookup_by_name") { $0.string("nobody") }
        for kind in [ControlEvent.Kind.state, .fault, .device, .attack] {
            var event = ControlEvent(kind)
            (event.partition, event.state) = (label("loop"), .running)
            bench.daemon.take(.event(event))
        }
        let names = Set(try samples(#require(page(bench))).keys.map { $0.prefix { $0 != "{" } })
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")
        let file = try Data(contentsOf: root.appending(path: "Documentation/grafana.json"))
        let dashboard = try #require(try JSONSerialization.jsonObject(with: file) as? [String: Any])
        let panels = try #require(dashboard["panels"] as? [[String: Any]])
        let asked = panels.flatMap { ($0["targets"] as? [[String: Any]] ?? []).compactMap { $0["expr"] as? String } }
        #expect(asked.count >= panels.count && panels.count > 5)
        for match in asked.joined(separator: " ").matches(of: /bulkheadd?_[a-z_]+/) {
            #expect(names.contains(match.output), "\(match.output)")
        }
    }
}
