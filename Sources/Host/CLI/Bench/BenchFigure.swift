import TestKit

/// One measured number beside its bound, as `bench --json` writes it; `Documentation/bench.md` describes the fields.
struct BenchFigure: Encodable {
    enum Unit: String, Encodable { case exits, instructions, bytes, lines, milliseconds, microseconds, ratio }

    /// Stable; the contract's word for it.
    let name: String
    /// For people.
    let what: String
    let unit: Unit
    let value: Double
    /// Absent where nothing is promised, as everything about the bound.
    private(set) var bound: Double?
    /// Whether the value may reach the bound.
    private(set) var boundIncluded: Bool?
    private(set) var ok = true
    /// Whether the bench fails when the bound is exceeded. Times and ratios of times never fail it.
    private(set) var enforced = false
    /// What the contract recorded last.
    private(set) var last: Double?
    /// Of exits; reasons that never occurred are absent.
    var byReason: [String: UInt64]?
    /// What `value` was chosen from, in the order of the boots.
    var samples: [Double]?
    /// Of instructions: all exits, of which `value` is the median.
    var spread: BenchSpread?
    /// One more fact, for people.
    var note: String?

    init(_ name: String, _ what: String, _ unit: Unit, _ value: Double) {
        (self.name, self.what, self.unit, self.value) = (name, what, unit, value)
    }

    /// Takes the bound from the contract, if it has one for this figure.
    mutating func hold(to contract: Contract) {
        guard let term = contract[name] else { return }
        (bound, last, enforced, ok) = (term.bound.value, term.last, term.isEnforced, term.bound.holds(value))
        if case .atMost = term.bound { boundIncluded = true } else { boundIncluded = false }
    }
}

/// Of instructions that exits took.
struct BenchSpread: Encodable {
    let count: UInt64
    let min: UInt64
    let median: UInt64
    let p99: UInt64
    let max: UInt64
    let total: UInt64
}
