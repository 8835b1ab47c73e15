import TestKit

extension BenchFigure {
    /// What frames on a wire and characters on the virtio console cost.
    static func wires(_ meter: WireMeter) -> [BenchFigure] {
        meter.batches.flatMap(batch) + copy(meter) + roundTrip(meter.roundTrip) + fullRate(meter) + characters(meter)
    }

    /// How fast a port is, both ways.
    static func port(_ rate: PortRate) -> [BenchFigure] {
        func speed(_ milliseconds: Int) -> String {
            String(format: "%.0f", Double(PortRate.bytes) / Double(milliseconds) / 1000)
        }
        var figure = BenchFigure(
            "port_64_mib", "64 MiB by a port, the slower way", .milliseconds, Double(max(rate.there, rate.back)))
        figure.note = "\(speed(rate.there)) MB/s one way, \(speed(rate.back)) MB/s the other"
        return [figure]
    }

    private static func batch(_ cost: BatchCost) -> [BenchFigure] {
        let large = cost.large
        var exits = BenchFigure(
            "exits_wire_\(cost.batch)", "exits a frame, \(cost.batch) at once", .exits, digits(large.exitsEach))
        exits.byReason = large.byReason
        let (sent, received) = (large.sender.exits, large.receiver.exits)
        exits.note = "\(large.count) frames of 1500 bytes; \(sent) to send them, \(received) to receive them"
        var frame = BenchFigure(
            "instructions_wire_\(cost.batch)", "instructions a frame, \(cost.batch) at once", .instructions,
            cost.instructionsFrame.rounded())
        frame.note = String(
            format: "1500 bytes; to send it %.0f, to receive it %.0f", large.instructions(large.sender),
            large.instructions(large.receiver))
        var model = BenchFigure(
            "model_wire_\(cost.batch)", "instructions a frame in device models, \(cost.batch) at once", .instructions,
            cost.modelFrame.rounded())
        model.note = "of both ends, beside the copy"
        return [exits, frame, model]
    }

    private static func copy(_ meter: WireMeter) -> [BenchFigure] {
        guard let cost = meter.batches.last else { return [] }
        var byte = BenchFigure(
            "instructions_wire_byte", "instructions to copy a byte", .instructions, digits(cost.instructionsByte))
        byte.note = "in and out; of a frame of 60 bytes against one of 1500"
        return [byte]
    }

    /// As many digits as a figure of the contract has.
    private static func digits(_ value: Double) -> Double { (max(value, 0) * 10000).rounded() / 10000 }

    private static func roundTrip(_ cost: WireCost) -> [BenchFigure] {
        var exits = BenchFigure(
            "exits_wire_round_trip", "exits a round trip, at an end", .exits, digits(cost.exitsAtAnEnd))
        exits.byReason = cost.byReason
        exits.note = "\(cost.count) of them; who asks \(cost.sender.exits), who answers \(cost.receiver.exits)"
        return [
            exits,
            BenchFigure(
                "instructions_wire_round_trip", "instructions a round trip", .instructions,
                cost.instructionsEach.rounded()),
            BenchFigure(
                "model_wire_round_trip", "instructions a round trip in device models", .instructions,
                cost.modelEach.rounded()),
        ]
    }

    private static func fullRate(_ meter: WireMeter) -> [BenchFigure] {
        let cost = meter.fullRate
        var exits = BenchFigure("exits_wire_full_rate", "exits a frame, full rate", .exits, digits(cost.exitsEach))
        exits.byReason = cost.byReason
        exits.note = "\(cost.count) received, \(Int(meter.received * 100)) % of what was sent"
        var beside = BenchFigure(
            "exits_beside_wire", "exits of a timer's partition beside it", .exits, Double(meter.neighbour.exits))
        beside.note = "\(meter.neighbour.ticks) ticks"
        return [
            exits, beside,
            BenchFigure("missed_beside_wire", "ticks that it missed", .exits, Double(meter.neighbour.missed)),
        ]
    }

    private static func characters(_ meter: WireMeter) -> [BenchFigure] {
        let (count, virtio, plain) = meter.characters
        func figures(_ name: String, _ what: String, _ cost: PhaseCost) -> [BenchFigure] {
            var exits = BenchFigure(
                "exits_\(name)_character", "exits a character, \(what)", .exits,
                digits(Double(cost.exits) / Double(count)))
            exits.note = "\(count), each by itself"
            return [
                exits,
                BenchFigure(
                    "instructions_\(name)_character", "instructions a character, \(what)", .instructions,
                    (Double(cost.instructions) / Double(count)).rounded()),
            ]
        }
        let model = BenchFigure(
            "model_console_character", "instructions a character in the device model", .instructions,
            (Double(virtio.model) / Double(count)).rounded())
        return figures("console", "virtio console", virtio) + [model] + figures("uart", "UART", plain)
    }
}
