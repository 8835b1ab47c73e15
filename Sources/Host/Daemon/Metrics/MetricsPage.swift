import Control
import ControlClient
import NIOCore

/// The page of metrics: what the daemon counts, and what the machine says when somebody asks. Used on the daemon's loop.
final class MetricsPage {
    var calls = CallCounters()
    var events = EventCounters()
    private var traffic = TrafficSums()
    /// Connections to the port.
    var readers = 0
    /// Those who wait for the page that is being made.
    private var waiting: [ObjectIdentifier: (String) -> Void] = [:]
    private var latest: (text: String, end: NIODeadline)?
    /// Of the page that is being made, or was made last.
    private var number = 0
    private var isBeingMade = false

    /// Makes it, and calls `done` with its text; one that is a second old at most is given again.
    func make(_ daemon: Daemon, for reader: AnyObject, _ done: @escaping (String) -> Void) {
        if let latest, daemon.loop.now < latest.end { return done(latest.text) }
        waiting[ObjectIdentifier(reader)] = done
        guard !isBeingMade else { return }
        (number, isBeingMade) = (number &+ 1, true)
        let machine = daemon.machine, page = number
        guard machine.trouble == nil else { return finish(daemon, page, nil) }
        let names = machine.partitions.filter { $0.isActive && $0.info.permits.contains(.statistics) }.map(\.partition)
        guard !names.isEmpty else { return finish(daemon, page, [:]) }
        // A machine that is slow to answer, or much that waits for it, does not keep from those who watch that it is so.
        daemon.loop.assumeIsolated().scheduleTask(in: .seconds(Limits.statisticsSeconds)) { [self] in
            finish(daemon, page, nil)
        }
        let fetched = daemon.link.ask(daemon.loop, .read) { (remote) throws(LinkError) in
            try remote.statistics(of: names, within: .seconds(Limits.statisticsSeconds))
        }
        fetched.assumeIsolated().whenComplete { [self] result in
            let found = try? result.get()
            finish(daemon, page, found?.count == names.count ? found : nil)
        }
    }

    var isAwaited: Bool { !waiting.isEmpty }

    /// Who waited for the page is gone.
    func forget(_ reader: AnyObject) { waiting[ObjectIdentifier(reader)] = nil }

    /// - Parameter statistics: nil: they could not be read.
    private func finish(_ daemon: Daemon, _ page: Int, _ statistics: [String: PartitionStatistics]?) {
        guard isBeingMade, page == number else { return }
        isBeingMade = false
        var text = MetricsText()
        write(daemon, statistics, to: &text)
        latest = (text.text, daemon.loop.now + .milliseconds(Limits.metricsMilliseconds))
        let those = waiting.values
        waiting = [:]
        for done in those { done(text.text) }
    }

    private func write(_ daemon: Daemon, _ statistics: [String: PartitionStatistics]?, to page: inout MetricsText) {
        let machine = daemon.machine, isUp = machine.trouble == nil
        page.family("bulkhead_up", .gauge, "1 while the machine answers.") { $0.sample(isUp ? 1 : 0) }
        page.family("bulkhead_statistics_up", .gauge, "1 if counters of partitions could be read for this page.") {
            $0.sample(statistics == nil ? 0 : 1)
        }
        // What was true of a machine that does not answer may be so no longer.
        if let statistics { traffic.add(statistics) }
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
            PartitionSamples.write(
                machine.partitions.map(\.info), statistics ?? [:], statistics == nil ? [:] : traffic.totals, to: &page)
        }
        events.write(machine.partitions.map(\.partition), to: &page)
        calls.write(to: &page)
        page.family("bulkheadd_clients", .gauge, "Clients that are connected, by what they may do.") { family in
            let readers = daemon.clients.values.count { $0.session.isReadOnly }
            family.sample(daemon.clients.count - readers, ["access": "change"])
            family.sample(readers, ["access": "read"])
        }
        page.family("bulkheadd_kept_bytes", .gauge, "What is kept for all clients.") { $0.sample(daemon.kept) }
        if let audit = daemon.audit {
            page.family("bulkheadd_audit_records_total", .counter, "Records of an audit log, from its beginning.") {
                for (kind, number) in audit.records { $0.sample(number, ["log": kind.rawValue]) }
            }
            page.family("bulkheadd_audit_failures_total", .counter, "Records that could not be written.") {
                $0.sample(audit.failures)
            }
        }
        page.family("bulkheadd_link_connections_total", .counter, "Times at which the machine was found.") {
            $0.sample(machine.connection)
        }
    }
}
