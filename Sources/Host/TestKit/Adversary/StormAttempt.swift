import Foundation

extension AdversarySession {
    /// Watches the neighbour for a while without and then for as long with a storm beside it. Its ticks and exits are
    /// counted in both.
    func storm(_ run: AttemptTable.Run) throws -> Observation {
        let quiet = try neighbourCounts(seconds: run.seconds) {}
        let stormed = try neighbourCounts(seconds: run.seconds) {
            let first = adversary.hostile.lines.count
            adversary.hostile.type(line: run.command)
            try adversary.hostile.wait(for: "@try \(run.command)", from: first, seconds: 10)
        }
        let still = try adversary.info("hostile").state == .running
        try adversary.restartHostile()
        return Observation([
            still ? "storm" : "no-storm", "ticks=\(quiet.ticks)/\(stormed.ticks)",
            "late=\(quiet.late)/\(stormed.late)", "\(quiet.missed + stormed.missed)-missed",
            "\(quiet.exits)-exits-without", "\(stormed.exits)-exits-with",
        ])
    }

    private func neighbourCounts(
        seconds: Double, _ begin: () throws -> Void
    ) throws -> (ticks: UInt64, missed: UInt64, late: UInt64, exits: UInt64) {
        let before = try adversary.neighbourReport(), exits = try foreignExits()
        try begin()
        adversary.machine.run(seconds: seconds * kind.observation)
        let after = try adversary.neighbourReport()
        return (
            after.count("ticks") - before.count("ticks"), after.count("missed") - before.count("missed"),
            after.count("late") - before.count("late"), try foreignExits() - exits
        )
    }

    /// The neighbour's exits for anything but what it does itself, to look at its console and its own registers, and the
    /// kicks of the housekeeping core.
    private func foreignExits() throws -> UInt64 {
        try adversary.client.statistics("neighbour").vcpus.reduce(0) { $0 + $1.total - $1[.port] - $1[.msr] - $1[.nmi] }
    }
}
