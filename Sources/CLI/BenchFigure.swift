/// One measured number beside its bound, as `bench --json` writes it; `Documentation/bench.md` describes the fields.
struct BenchFigure: Encodable {
    enum Unit: String, Encodable { case exits, bytes, milliseconds, microseconds, ratio }

    /// Stable.
    let name: String
    /// For people.
    let what: String
    let unit: Unit
    let value: Double
    /// Absent where nothing is promised.
    let bound: Double?
    let ok: Bool
    /// Whether the bench fails when the bound is exceeded. Times and ratios of times never fail it.
    let enforced: Bool
    /// Of exits; reasons that never occurred are absent.
    var byReason: [String: UInt64]?
    /// What `value` was chosen from, in the order of the boots.
    var samples: [Double]?
    /// One more fact, for people.
    var note: String?

    init(_ name: String, _ what: String, _ unit: Unit, _ value: Double, bound: Double? = nil) {
        (self.name, self.what, self.unit, self.value, self.bound) = (name, what, unit, value, bound)
        ok = bound.map { Self.isUnder($0, unit) ? value < $0 : value <= $0 } ?? true
        enforced = bound != nil && (unit == .exits || unit == .bytes)
    }

    /// Whether the value must stay below the bound; it may reach a bound of 0, and a ratio's.
    static func isUnder(_ bound: Double, _ unit: Unit) -> Bool { bound > 0 && unit != .ratio }
}
