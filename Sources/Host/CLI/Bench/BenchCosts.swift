import TestKit

extension BenchFigure {
    /// What each kind of exit costs.
    static func costs(_ meter: ExitMeter) -> [BenchFigure] {
        var held = BenchFigure(
            "instructions_held", "instructions, SMIs held back", .instructions, Double(meter.held))
        held.note = "the most in a row with GIF clear, in a start, an end and a start"
        return [held]
            + meter.costs.map { kind, cost in
                let (name, what) = words(kind)
                var figure = BenchFigure(
                    "instructions_\(name)", "instructions, \(what)", .instructions, Double(cost.median))
                figure.spread = BenchSpread(
                    count: cost.count, min: cost.min, median: cost.median, p99: cost.p99, max: cost.max,
                    total: cost.total)
                figure.note = "\(cost.min) to \(cost.max), 99 % within \(cost.p99); \(cost.count) exits"
                return figure
            }
    }

    private static func words(_ kind: ExitMeter.Kind) -> (name: String, what: String) {
        switch kind {
        case .cpuid: ("cpuid", "CPUID")
        case .cpuidLeaves: ("cpuid_leaves", "CPUID, 16 leaves in turn")
        case .msr: ("msr", "MSR (EFER read, written)")
        case .port: ("port", "port that is not there")
        case .portUART: ("port_uart", "port of the UART, read")
        case .portRTC: ("port_rtc", "port of the clock, written")
        case .icr: ("icr", "IPI")
        case .nmi: ("nmi", "NMI that arrives")
        case .nestedPageFault: ("nested_page_fault", "write to no memory")
        case .hypercall: ("hypercall", "hypercall that is not known")
        }
    }
}
