/// One number of a channel at both places; `Documentation/bench.md` describes the fields.
public struct ChannelFigure: Encodable {
    public enum Unit: String, Encodable {
        case exits, instructions
        case bytesPerSecond = "bytes/s"
    }

    /// Of all rounds at one place.
    public struct Measured: Encodable {
        /// The middle of the samples.
        public let value: Double
        /// In the order of the rounds.
        public let samples: [Double]
        /// Of exits, in the round whose sum is the middle.
        public let byReason: [String: Double]?
    }

    /// Stable.
    public let name: String
    /// For people.
    public let what: String
    public let unit: Unit
    /// Nil where there is no such thing.
    public let bulkhead: Measured?
    public let kvm: Measured?

    /// Bulkhead's by KVM's; nil where one is missing, or KVM's is not above 0. Of counts that of the middles; of rates the middle of
    /// all rounds' ratios, since what else the host does disturbs both ends of a round alike.
    public var ratio: Double? {
        guard let bulkhead, let kvm, kvm.value > 0 else { return nil }
        guard unit == .bytesPerSecond else { return bulkhead.value / kvm.value }
        return Self.measured(zip(bulkhead.samples, kvm.samples).map { $0 / max($1, 1) })?.value
    }

    private enum CodingKeys: String, CodingKey { case name, what, unit, bulkhead, kvm, ratio }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(name, forKey: .name)
        try fields.encode(what, forKey: .what)
        try fields.encode(unit, forKey: .unit)
        try fields.encodeIfPresent(bulkhead, forKey: .bulkhead)
        try fields.encodeIfPresent(kvm, forKey: .kvm)
        try fields.encodeIfPresent(ratio, forKey: .ratio)
    }

    /// The middle of an odd number of samples, the lower one of an even number; nil of none.
    static func measured(_ samples: [Double], reasons: [[String: Double]] = []) -> Measured? {
        guard !samples.isEmpty else { return nil }
        let middle = samples.indices.sorted { samples[$0] < samples[$1] }[(samples.count - 1) / 2]
        return Measured(
            value: samples[middle], samples: samples, byReason: reasons.isEmpty ? nil : reasons[middle])
    }

    /// All of a session's, in the order in which people read them.
    public static func all(_ places: [String: ChannelRounds]) -> [ChannelFigure] {
        let units =
            ChannelRounds.batches.map { ("frame_\($0)", "frame, \($0) at once") }
            + [("round_trip", "round trip"), ("character", "console character")]
        return (units.flatMap { costs(places, $0.0, $0.1) } + streams(places))
            .filter { $0.bulkhead != nil || $0.kvm != nil }
    }

    private static func costs(
        _ places: [String: ChannelRounds], _ name: String, _ unit: String
    ) -> [ChannelFigure] {
        func figure(_ kind: String, _ what: String, _ unit: Unit, _ value: (ChannelCost) -> Double?) -> ChannelFigure {
            func of(_ place: String) -> Measured? {
                let costs = places[place]?.costs[name] ?? []
                return measured(costs.compactMap(value), reasons: kind == "exits" ? costs.map(\.byReason) : [])
            }
            return ChannelFigure(
                name: "\(kind)_\(name)", what: what, unit: unit, bulkhead: of("bulkhead"), kvm: of("kvm"))
        }
        return [
            figure("exits", "exits a \(unit)", .exits) { $0.exits },
            figure("models", "  world switches to device models, not among them", .exits) {
                $0.io == nil ? $0.modelEntries : nil
            },
            figure("off", "  taken off: those without it", .exits) { $0.exitsTakenOff },
            figure("instructions", "instructions a \(unit), beneath both guests", .instructions) { $0.instructions },
            figure("root", "  on their cores, in root mode", .instructions) { $0.root },
            figure("long", "  exits in the window whose instructions are left out", .exits) { Double($0.longExits) },
            figure("model", "  on their cores, in device models", .instructions) { $0.io == nil ? $0.model : nil },
            figure("io", "  on the core of vhost and QEMU", .instructions) { $0.io },
        ]
    }

    private static func streams(_ places: [String: ChannelRounds]) -> [ChannelFigure] {
        func figure(
            _ name: String, _ what: String, _ unit: Unit, _ samples: (ChannelRounds) -> [Double]
        ) -> ChannelFigure {
            func of(_ place: String) -> Measured? { measured(places[place].map(samples) ?? []) }
            return ChannelFigure(name: name, what: what, unit: unit, bulkhead: of("bulkhead"), kvm: of("kvm"))
        }
        let kinds = [("offered", "each card with all it offers"), ("plain", "the same frames at both")]
        return kinds.map { kind, words in
            figure("stream_instructions_\(kind)", "iperf3, instructions of all cores a byte, \(words)", .instructions) {
                $0.instructionsByte[kind] ?? []
            }
        }
            + kinds.map { kind, words in
                figure("stream_rate_\(kind)", "iperf3, bytes a second, \(words)", .bytesPerSecond) {
                    $0.rates[kind] ?? []
                }
            }
    }
}
