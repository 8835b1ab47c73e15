import Machines

/// What the counter has of the phases of `Tests/Guests/wires`.
struct WirePhases {
    private typealias Number = WireMeter.Phase
    private let report: CounterReport
    /// The core of each partition, by its name.
    private let cores: [String: Int]

    init(_ report: CounterReport, _ cores: [String: Int]) { (self.report, self.cores) = (report, cores) }

    private func cost(_ name: String, in phase: CounterReport.Phase) throws(MachineError) -> PhaseCost {
        guard let core = cores[name], core < phase.vcpus.count else {
            throw .miscounted("the counter has no core of \(name)")
        }
        return PhaseCost(phase.vcpus[core])
    }

    private func cost(_ phases: some Sequence<CounterReport.Phase>, _ count: UInt64) throws(MachineError) -> WireCost {
        var cost = WireCost(count: count, sender: PhaseCost(), receiver: PhaseCost())
        for phase in phases {
            cost.sender = cost.sender + (try self.cost("sender", in: phase))
            cost.receiver = cost.receiver + (try self.cost("receiver", in: phase))
        }
        return cost
    }

    /// Of the last phase with this number: one in which frames were lost came again.
    func cost(_ number: Int, _ sent: [Int: WireGuests.Sent]) throws(MachineError) -> WireCost {
        guard let counts = sent[number], let phase = report.phases.last(where: { $0.phase == number }) else {
            throw .miscounted("the sender has no phase \(number)")
        }
        guard counts.frames > 0, counts.received == counts.frames else {
            throw .miscounted(
                "phase \(number): \(counts.received) of \(counts.frames) frames were received; is the host busy?")
        }
        return try cost([phase], counts.received)
    }

    /// The timer's phase is within that of the full rate, if it is as it must be.
    private func pulse() throws(MachineError) -> (around: ArraySlice<CounterReport.Phase>, phase: CounterReport.Phase) {
        let wanted = [Number.fullRate, Number.pulse, Number.fullRate, 0]
        let numbers = report.phases.map(\.phase)
        guard let first = numbers.firstIndex(of: Number.fullRate), numbers[first...].starts(with: wanted) else {
            throw .miscounted("the timer was not watched while the wire was at its full rate; is the host busy?")
        }
        return (report.phases[first..<first + 3], report.phases[first + 1])
    }

    /// Of all that was received at the full rate.
    func costAtFullRate(_ sent: [Int: WireGuests.Sent]) throws(MachineError) -> WireCost {
        guard let counts = sent[Number.fullRate], counts.received > 0 else {
            throw .miscounted("nothing was received at the full rate")
        }
        return try cost(try pulse().around, counts.received)
    }

    /// Exits of the partition that has only a timer, while both ends of the wire have some.
    func exitsBeside() throws(MachineError) -> UInt64 {
        let phase = try pulse().phase
        guard try cost("sender", in: phase).exits > 0, try cost("receiver", in: phase).exits > 0 else {
            throw .miscounted("nothing went over the wire while the timer was watched")
        }
        return try cost("pulse", in: phase).exits
    }

    func ofPrinter(_ number: Int) throws(MachineError) -> PhaseCost {
        guard let phase = report.phases.last(where: { $0.phase == number }) else {
            throw .miscounted("the printer has no phase \(number)")
        }
        return try cost("printer", in: phase)
    }
}
