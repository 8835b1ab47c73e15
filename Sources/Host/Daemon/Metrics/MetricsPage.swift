import Control
import ControlClient
import NIOCore

/// The page of metrics: what the daemon counts, and what the machine says when somebody asks. Used on the daemon's loop.
final class MetricsPage {
    var calls = CallCounters()
    var events = EventCounters()
    /// Connections to the port.
    var readers = 0
    /// Those who wait for the page that is being made.
    private var waiting: [(String) -> Void] = []
    private var latest: (text: String, end: NIODeadline)?

    /// Makes it, and calls `done` with its text; one that is a second old at most is given again.
    func make(_ daemon: Daemon, _ done: @escaping (String) -> Void) {
        if let latest, daemon.loop.now < latest.end { return done(latest.text) }
        waiting.append(done)
        guard waiting.count == 1 else { return }
        let machine = daemon.machine
        guard machine.trouble == nil else { return finish(daemon, nil) }
        // Counters outlive a guest: those of a partition that has stopped are told, too.
        let names = machine.partitions.filter { $0.info.permits.contains(.statistics) }.map(\.partition)
        guard !names.isEmpty else { return finish(daemon, [:]) }
        let fetched = daemon.link.ask(daemon.loop, .read) { (remote) throws(LinkError) in
            try remote.statistics(of: names)
        }
        fetched.assumeIsolated().whenComplete { [self] result in finish(daemon, try? result.get()) }
    }

    /// - Parameter statistics: nil: they could not be read.
    private func finish(_ daemon: Daemon, _ statistics: [String: PartitionStatistics]?) {
        var page = MetricsText()
        write(daemon, statistics, to: &page)
        latest = (page.text, daemon.loop.now + .milliseconds(Limits.metricsMilliseconds))
        let those = waiting
        waiting = []
        for done in those { done(page.text) }
    }

    private func write(_ daemon: Daemon, _ statistics: [String: PartitionStatistics]?, to page: inout MetricsText) {
        let machine = daemon.machine, isUp = machine.trouble == nil
        page.family("bulkhead_up", .gauge, "1 while the machine answers.") { $0.sample(isUp ? 1 : 0) }
        page.family("bulkhead_statistics_up", .gauge, "1 if counters of partitions could be read for this page.") {
            $0.sample(statistics == nil ? 0 : 1)
        }
        // What was true of a machine that does not answer may be so no longer.
        if isUp, let info = machine.info {
            page.family("bulkhead_machine_info", .gauge, "The machine and its hypervisor.") {
                $0.sample(1, ["machine": info.name.string, "version": info.version.string])
            }
            page.family("bulkhead_machine_memory_bytes", .gauge, "Memory that the firmware reported.") {
                $0.sample(info.memory)
            }
            page.family("bulkhead_hypervisor_memory_bytes", .gauge, "What the hypervisor keeps in all.") {
                $0.sample(info.hypervisorMemory)
            }
            PartitionSamples.write(machine.partitions.map(\.info), statistics ?? [:], to: &page)
        }
        events.write(to: &page)
        calls.write(to: &page)
        page.family("bulkheadd_clients", .gauge, "Clients that are connected, by what they may do.") { family in
            let readers = daemon.clients.values.count { $0.session.isReadOnly }
            family.sample(daemon.clients.count - readers, ["access": "change"])
            family.sample(readers, ["access": "read"])
        }
        page.family("bulkheadd_kept_bytes", .gauge, "What is kept for all clients.") { $0.sample(daemon.kept) }
        page.family("bulkheadd_link_connections_total", .counter, "Times at which the machine was found.") {
            $0.sample(machine.connection)
        }
    }
}
