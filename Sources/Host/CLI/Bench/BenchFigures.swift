import Control
import Foundation
import Reports

extension BenchFigure {
    /// Everything that a session measured, in the order in which people read it.
    static func all(_ session: BenchSession) throws -> [BenchFigure] {
        let costs = (session.meter.map(costs) ?? []) + (session.wires.map(wires) ?? [])
        let sizes = session.machine == nil ? [] : try sizes(session)
        let port = session.port.map(port) ?? []
        return (counts(session) + costs + port + sizes + times(session)).map { figure in
            var figure = figure
            figure.hold(to: session.contract)
            return figure
        }
    }

    private static func counts(_ session: BenchSession) -> [BenchFigure] {
        var figures: [BenchFigure] = []
        if let worst = session.boots.max(by: { $0.total < $1.total }) {
            var exits = BenchFigure(
                "exits_to_user_space", "exits to user space, 1 vCPU", .exits, Double(worst.total))
            exits.byReason = names(worst.exits)
            exits.samples = session.boots.map { Double($0.total) }
            exits.note = "kernel messages: \(worst.kernelBytes) characters"
            figures.append(exits)
        }
        for window in session.windows {
            let what = window.activity == "cyclictest" ? "cyclictest every 1 ms" : window.activity
            var exits = BenchFigure(
                "exits_\(window.activity)", "exits in \(session.windowSeconds - 3) s, \(what)", .exits,
                Double(window.exits))
            exits.byReason = names(window.byReason)
            exits.note = String(format: "in %.1f s by the machine's clock", window.seconds)
            figures.append(exits)
        }
        if let latency = session.latency {
            figures.append(BenchFigure("latency_avg", "wake-up latency, average", .microseconds, Double(latency.avg)))
            var most = BenchFigure("latency_max", "wake-up latency, largest", .microseconds, Double(latency.max))
            most.note = "of \(latency.samples); on an emulated machine this is the host's"
            figures.append(most)
        }
        return figures
    }

    private static func sizes(_ session: BenchSession) throws -> [BenchFigure] {
        let file = try session.workspace.hypervisor.resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0
        let loaded = session.machine?.imageBytes ?? 0
        var image = BenchFigure(
            "image_bytes", "hypervisor image", .bytes, max(Double(file), Double(loaded)))
        image.note = "file \(file), in memory \(loaded)"
        let lines = BenchFigure(
            "tcb_lines", "lines of code that run in root mode", .lines, Double(try session.workspace.rootModeLines()))
        return [image, lines]
            + session.partitions.map { partition in
                let cores = partition.cores.count
                var memory = BenchFigure(
                    "memory_\(partition.name.string)", "hypervisor memory, \(cores) core\(cores == 1 ? "" : "s")",
                    .bytes, Double(partition.hypervisorMemory))
                memory.note = "partition of \(Quantity.bytes(partition.memory))"
                return memory
            }
    }

    private static func times(_ session: BenchSession) -> [BenchFigure] {
        guard
            let start = best("start", "entry to first guest instruction", session.boots.map(\.startMilliseconds)),
            let guest = best(
                "kernel_partition", "kernel to user space, partition", session.boots.map(\.kernelMilliseconds)),
            let bare = best("kernel_bare", "kernel to user space, bare", session.bareMilliseconds)
        else { return [] }
        var first = start
        first.note = "reading the images left out"
        let ratio = BenchFigure(
            "kernel_ratio", "partition to bare", .ratio, guest.value / max(bare.value, 1))
        return [first, guest, bare, ratio]
    }

    /// The shortest of some times: what disturbs a run only ever makes it longer.
    private static func best(_ name: String, _ what: String, _ samples: [Double]) -> BenchFigure? {
        guard let value = samples.min() else { return nil }
        var figure = BenchFigure(name, what, .milliseconds, value)
        figure.samples = samples
        return figure
    }

    private static func names(_ counts: [(reason: ExitReason, count: UInt64)]) -> [String: UInt64] {
        .init(uniqueKeysWithValues: counts.map { ("\($0.reason.name)", $0.count) })
    }
}
