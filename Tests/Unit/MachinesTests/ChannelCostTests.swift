import Testing

@testable import TestKit

/// What the comparison of channels takes from the guests' answers and from the counter's windows.
@Suite struct ChannelCostTests {
    private static func count(
        _ instructions: UInt64, guest: UInt64 = 0, model: UInt64 = 0, _ exits: [String: UInt64] = [:]
    ) -> Counter.Count {
        Counter.Count(
            instructions: instructions, guestInstructions: guest, modelInstructions: model,
            exits: exits.mapValues { .init(count: $0, median: 1, max: 1, total: $0) })
    }
    private static func window(
        _ count: UInt64, ms: UInt64 = 100, _ ends: [Counter.Count], io: Counter.Count? = nil
    ) throws -> ChannelWindow {
        let line = "@bulkhead wire name=frames count=\(count) received=\(count) ms=\(ms)"
        return ChannelWindow(answer: try #require(ChannelAnswer(line)), ends: ends, io: io)
    }

    @Test func anAnswerIsReadBehindWhatTheGuestPrinted() throws {
        let answer = try #require(ChannelAnswer("....@bulkhead wire name=pings count=300 received=299 ms=1250"))
        #expect(answer.name == "pings" && answer.count == 300 && answer.received == 299)
        #expect(answer.milliseconds == 1250)
    }

    @Test(arguments: [
        "@bulkhead wire name=pings count=300 received=299", "@bulkhead wire name=pings count=-1 received=0 ms=1",
        "@bulkhead joined end=1", "@bulkhead wired name=pings count=1 received=1 ms=1", "",
        "@bulkhead wire count=1 received=1 ms=1",
    ])
    func anythingElseIsNoAnswer(_ line: String) { #expect(ChannelAnswer(line) == nil) }

    @Test func bulkheadsWorldSwitchesAreNoExits() throws {
        let ends = [
            Self.count(900, guest: 500, model: 200, ["port": 10, "device_model": 10]),
            Self.count(700, guest: 600, model: 300, ["nmi": 10, "device_model": 10]),
        ]
        let window = try Self.window(10, ends)
        let cost = ChannelCost(window, rests: nil, idle: window)
        #expect(cost.exits == 2 && cost.modelEntries == 2 && cost.byReason == ["port": 1, "nmi": 1])
        #expect(cost.root == 50 && cost.model == 50 && cost.io == nil && cost.instructions == 100)
    }

    @Test func whatTheRestsCostIsTakenOff() throws {
        let sent = try Self.window(
            4, ms: 200, [Self.count(1000, guest: 200, ["msr": 9]), Self.count(500, guest: 100, ["interrupt": 8])],
            io: Self.count(4000))
        let rests = try Self.window(
            4, ms: 100, [Self.count(300, guest: 100, ["msr": 5]), Self.count(0, ["halt": 1])], io: Self.count(1000))
        let cost = ChannelCost(sent, rests: rests, idle: rests)
        #expect(cost.byReason == ["msr": 1, "interrupt": 2, "halt": -0.25])
        #expect(cost.exits == 2.75 && cost.exitsTakenOff == 1.5)
        // (800 + 400 - 200) / 4; the core between them was on for twice as long.
        #expect(cost.root == 250 && cost.io == 500 && cost.instructions == 750)
    }

    @Test func aCoreThatWaitedForTheHostSaysNothing() throws {
        var end = Self.count(100_000, guest: 500, ["msr": 10])
        end.exits["msr"]?.longCount = 1
        end.exits["msr"]?.longTotal = 90_000
        let window = try Self.window(10, [end, Self.count(1000, guest: 500)], io: Self.count(50))
        let cost = ChannelCost(window, rests: nil, idle: try Self.window(10, [], io: Self.count(0)))
        #expect(cost.longExits == 1 && cost.exits == 1 && cost.exitsTakenOff == nil)
        #expect(cost.root == 1000 && window.instructions == 11_050)
    }

    @Test func figuresAreTheMiddleOfTheRounds() throws {
        #expect(ChannelFigure.measured([])?.value == nil)
        #expect(ChannelFigure.measured([9, 1, 5])?.value == 5)
        #expect(ChannelFigure.measured([4, 2])?.value == 2)
        let figures = ChannelFigure.all([
            "bulkhead": Self.rounds([[2, 2], [1, 1], [3, 3]], rates: [10, 30, 40]),
            "kvm": Self.rounds([[8, 0], [4, 0], [2, 0]], rates: [20, 10, 20], io: Self.count(7)),
        ])
        let exits = try #require(figures.first { $0.name == "exits_frame_64" })
        #expect(exits.bulkhead?.value == 4 && exits.kvm?.value == 4 && exits.ratio == 1)
        #expect(exits.bulkhead?.byReason == ["port": 2, "nmi": 2] && exits.bulkhead?.samples == [4, 2, 6])
        // The middle of 0.5, 3 and 2, where that of the middles is 1.5.
        let rate = try #require(figures.first { $0.name == "stream_rate_plain" })
        #expect(rate.ratio == 2 && rate.unit == .bytesPerSecond)
        // What one of them does not have is absent, and has no ratio.
        let io = try #require(figures.first { $0.name == "io_frame_64" })
        #expect(io.bulkhead == nil && io.kvm?.value == 0 && io.ratio == nil)
        #expect(!figures.contains { $0.name.hasSuffix("round_trip") || $0.name == "off_frame_64" })
    }

    private static func rounds(_ exits: [[UInt64]], rates: [Double], io: Counter.Count? = nil) -> ChannelRounds {
        var rounds = ChannelRounds()
        rounds.costs["frame_64"] = exits.compactMap { exits in
            guard let window = try? window(1, [count(10, ["port": exits[0]]), count(10, ["nmi": exits[1]])], io: io)
            else {
                return nil
            }
            return ChannelCost(window, rests: nil, idle: window)
        }
        rounds.rates["plain"] = rates
        return rounds
    }
}
