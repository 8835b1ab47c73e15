import Foundation
import Machines
import Reports
import TestKit

/// What `bench --compare --wires --json` writes; `Documentation/bench.md` describes every field.
struct ChannelReport: Encodable {
    let schema = 1
    let emulated = true
    let processor: String
    let guestKernel: String
    let rounds: Int
    let streamSeconds: Int
    /// Processors that the host has for both emulated machines.
    let hostProcessors = ProcessInfo.processInfo.activeProcessorCount
    let figures: [ChannelFigure]

    init(_ session: ChannelSession) {
        processor = String(Emulator().processor.prefix { $0 != "," })
        guestKernel = session.kernel
        (rounds, streamSeconds) = (session.rounds, session.seconds)
        figures = ChannelFigure.all(session.places)
    }

    func json() throws -> Data { try Data((jsonText(self) + "\n").utf8) }

    /// For people: both places beside each other, exits by reason.
    var text: String {
        var table = TextTable(
            ["WHAT", "BULKHEAD", "KVM, VHOST", "RATIO", "BULKHEAD'S ROUNDS", "KVM'S ROUNDS"], numbers: [1, 2, 3, 4, 5])
        for figure in figures {
            table.add([
                figure.what, CompareTable.rate(figure.bulkhead?.value), CompareTable.rate(figure.kvm?.value),
                CompareTable.rate(figure.ratio), Self.range(figure.bulkhead), Self.range(figure.kvm),
            ])
            let ours = figure.bulkhead?.byReason ?? [:]
            let theirs = figure.kvm?.byReason ?? [:]
            for reason in Set(ours.keys).union(theirs.keys).sorted() {
                let both = [ours[reason], theirs[reason]].map(CompareTable.rate)
                table.add(["  \(reason)"] + both + ["", "", ""])
            }
        }
        let head =
            "Two guests (Linux \(guestKernel)) and what is between them, in Bulkhead partitions and under KVM,\n"
            + "on the same emulated \(processor), in turns; the middle of \(rounds) rounds"
        let cores = KVMHost.cores
        let tail =
            hostProcessors >= 2 * cores
            ? ""
            : "\n\nthis host has \(hostProcessors) processors for \(cores) emulated cores: bytes a second are to the "
                + "disadvantage of KVM, which works on three of them, where Bulkhead works on two"
        return head + "\n\n" + table.lines.joined(separator: "\n") + tail
    }

    private static func range(_ measured: ChannelFigure.Measured?) -> String {
        guard let samples = measured?.samples, let least = samples.min(), let most = samples.max(), least != most else {
            return ""
        }
        return "\(CompareTable.rate(least)) to \(CompareTable.rate(most))"
    }
}
