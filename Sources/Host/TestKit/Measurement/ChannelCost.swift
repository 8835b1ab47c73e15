/// What the cores did in a window of the guests at the ends of a channel.
public struct ChannelWindow: Sendable {
    public var answer: ChannelAnswer
    /// Of each end's core.
    public var ends: [Counter.Count]
    /// Of the core where vhost and QEMU work; nil under Bulkhead, which has none.
    public var io: Counter.Count?

    public init(answer: ChannelAnswer, ends: [Counter.Count], io: Counter.Count? = nil) {
        (self.answer, self.ends, self.io) = (answer, ends, io)
    }

    /// All that both ends' cores and the core between them executed, but for `ChannelCost.longExits`.
    public var instructions: UInt64 {
        ends.reduce(io?.instructions ?? 0) { $0 + $1.instructions - min($1.instructions, $1.longInstructions) }
    }
}

/// What a frame, a round trip or a character costs beneath the guests: of a window, less what the same guests cost in another one in
/// which they did all but that.
public struct ChannelCost: Sendable, Equatable {
    /// Of both guests.
    public var exits: Double
    public var byReason: [String: Double]
    /// World switches to Bulkhead's device models: each comes behind an exit, and is none.
    public var modelEntries: Double
    /// Exits that the same guests have without a unit, which have been taken off; nil where nothing was.
    public var exitsTakenOff: Double?
    /// Exits that took 65,536 instructions or more, in the whole window; Bulkhead has none. Their instructions are left out, the exits are
    /// not: an emulated core whose neighbour its host does not let run may spin for millions.
    public var longExits: UInt64
    /// Of both guests' cores, in root mode; Bulkhead's device models not included.
    public var root: Double
    /// Of Bulkhead's device models, which run in guest mode.
    public var model: Double
    /// On the core where vhost and QEMU work, less what it executes in as much time with nothing to do; nil where there is none.
    public var io: Double?

    /// All that is executed beneath the guests.
    public var instructions: Double { root + model + (io ?? 0) }

    private static let modelReason = "device_model"

    /// - Parameters:
    ///   - window: `answer.count` of the units are in it; 0 counts as 1.
    ///   - rests: the same without them, as many times.
    ///   - idle: what tells of the core between them when it has nothing to do.
    public init(_ window: ChannelWindow, rests: ChannelWindow?, idle: ChannelWindow) {
        let count = Double(max(window.answer.count, 1))
        func sum(_ window: ChannelWindow?, _ value: (Counter.Count) -> UInt64) -> Double {
            Double(window?.ends.reduce(0) { $0 + value($1) } ?? 0)
        }
        func each(_ value: (Counter.Count) -> UInt64) -> Double { (sum(window, value) - sum(rests, value)) / count }
        let reasons = Set((window.ends + (rests?.ends ?? [])).flatMap(\.exits.keys)).subtracting([Self.modelReason])
        byReason = [:]
        for reason in reasons {
            let exits = each { $0.exits[reason]?.count ?? 0 }
            if exits != 0 { byReason[reason] = exits }
        }
        func exits(_ count: Counter.Count) -> UInt64 { count.exitCount - models(count) }
        func models(_ count: Counter.Count) -> UInt64 { count.exits[Self.modelReason]?.count ?? 0 }
        self.exits = each(exits)
        modelEntries = each(models)
        exitsTakenOff = rests.map { sum($0, exits) / count }
        longExits = window.ends.reduce(0) { $0 + $1.longExitCount }
        root = each { $0.rootInstructions - min($0.rootInstructions, $0.longInstructions) }
        model = each(\.modelInstructions)
        if let io = window.io, let unused = idle.io {
            let share = Double(window.answer.milliseconds) / Double(max(idle.answer.milliseconds, 1))
            self.io = (Double(io.instructions) - Double(unused.instructions) * share) / count
        }
    }
}
