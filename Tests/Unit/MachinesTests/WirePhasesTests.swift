import Foundation
import Testing

@testable import Machines
@testable import TestKit

/// What the bench takes from the counter's phases of the guests at a wire.
@Suite struct WirePhasesTests {
    private static let cores = ["sender": 0, "receiver": 1, "pulse": 2, "printer": 0]

    /// A phase in which each core has so many exits, of ten instructions each; behind one of them a device model runs.
    private static func phase(_ number: Int, _ counts: [Int]) -> String {
        let cores = counts.map {
            let model = #""device_model": {"count": 1, "min": 0, "median": 0, "p99": 0, "max": 0, "total": 0}"#
            let port = #""port": {"count": \#($0), "min": 1, "median": 10, "p99": 10, "max": 10, "total": \#($0 * 10)}"#
            return #"{"held": 0, "model_instructions": 7, "exits": {\#(port), \#(model)}}"#
        }
        return #"{"phase": \#(number), "held": 0, "exits": {}, "vcpus": [\#(cores.joined(separator: ","))]}"#
    }
    private static func phases(_ list: [(number: Int, counts: [Int])]) throws -> WirePhases {
        let text = list.map { phase($0.number, $0.counts) }.joined(separator: ",")
        let json = Data(#"{"schema": 1, "unreadable": 0, "phases": [\#(text)]}"#.utf8)
        return WirePhases(try CounterReport(json: json), cores)
    }
    /// The full rate, the timer's phase in it, and what the timer's core has there.
    private static func fullRate(_ numbers: [Int] = [8, 9, 8, 0], sender: Int = 4, beside: Int = 0) throws -> WirePhases
    {
        try phases(numbers.map { ($0, $0 == 9 ? [sender, 3, beside] : [1, 1, 50]) })
    }

    @Test func aPhaseThatCameAgainCountsOnce() throws {
        let phases = try Self.phases([(6, [100, 90, 0]), (0, [1, 1, 1]), (6, [2, 1, 9]), (0, [1, 1, 1])])
        let cost = try phases.cost(6, [6: .init(frames: 64, received: 64)])
        #expect(cost.exitsEach == 3.0 / 64 && cost.instructionsEach == 30.0 / 64 && cost.exitsAtAnEnd == 2.0 / 64)
        #expect(cost.byReason == ["port": 3, "device_model": 2] && cost.modelEach == 14.0 / 64)
    }

    @Test func aPhaseInWhichFramesWereLostIsNone() throws {
        let phases = try Self.phases([(6, [2, 1, 0])])
        #expect(throws: MachineError.self) { try phases.cost(6, [6: .init(frames: 64, received: 63)]) }
        #expect(throws: MachineError.self) { try phases.cost(6, [:]) }
        #expect(throws: MachineError.self) { try phases.cost(5, [5: .init(frames: 1, received: 1)]) }
    }

    @Test func theTimersPhaseIsWithinTheFullRate() throws {
        #expect(try Self.fullRate().exitsBeside() == 0)
        #expect(try Self.fullRate(beside: 7).exitsBeside() == 7)
        let cost = try Self.fullRate().costAtFullRate([8: .init(frames: 128, received: 64)])
        #expect(cost.count == 64 && cost.sender.exits == 6 && cost.receiver.exits == 5)
        for numbers in [[8, 0, 9, 8], [9, 8, 0, 8], [8, 9, 0, 8], [8, 0]] {
            #expect(throws: MachineError.self) { try Self.fullRate(numbers).exitsBeside() }
        }
        // A wire on which nothing moves meanwhile shows nothing.
        #expect(throws: MachineError.self) { try Self.fullRate(sender: 0).exitsBeside() }
    }

    @Test func whatLongFramesTakeMoreIsTheCopy() {
        func cost(_ model: UInt64) -> WireCost {
            var cost = WireCost(count: 10, sender: PhaseCost(), receiver: PhaseCost())
            (cost.sender.model, cost.receiver.instructions) = (model, 30)
            return cost
        }
        let batch = BatchCost(batch: 8, small: cost(1600), large: cost(16000))
        #expect(batch.instructionsByte == 1 && batch.modelFrame == 100 && batch.instructionsFrame == 3)
    }

    @Test(arguments: [(0.046875, "0.0469"), (2, "2"), (0, "0"), (10, "10"), (99.5, "99.5"), (1819, "1819")])
    func aFigureHasTheDigitsOfTheContract(_ figure: Double, _ text: String) {
        #expect(Contract.text(figure) == text)
    }
}
