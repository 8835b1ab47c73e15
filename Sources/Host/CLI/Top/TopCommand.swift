import ArgumentParser
import ControlClient
import Foundation
import Reports

/// `bulkhead top`: what partitions do, again and again.
struct TopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top", abstract: "Watch the partitions of a running machine, and their exits a second.",
        discussion: """
            On a terminal the screen is drawn anew every --every seconds: q ends it, n sorts by name, e by exits, m as the \
            manifest has them. Columns that matter least go first where the terminal is narrow; with NO_COLOR in the \
            environment nothing is coloured. Elsewhere, and with --json, each sample is printed: a table, or one JSON object a \
            line. The first one has no rates.

            Exits are those of partitions that permit `statistics`. Asking costs the machine one request for the list and one \
            for each such partition, on its housekeeping core.

              bulkhead top --json --count 10 | jq '.partitions[] | {name, exits}'
            """)

    @OptionGroup var machine: MachineOptions
    @Option(help: ArgumentHelp("How often, in seconds.", valueName: "seconds")) var every = 2.0
    @Option(help: ArgumentHelp("End after so many samples. Default: never.", valueName: "number")) var count: Int?
    @Option(help: "manifest, exits or name: what rows are sorted by.") var sort = TopScreen.Order.manifest
    @Flag(help: "Print one JSON object a line.") var json = false

    func validate() throws {
        guard (0.1...3600).contains(every) else { throw ValidationError("--every takes 0.1 to 3600 seconds.") }
        if let count, count < 1 { throw ValidationError("--count takes a number from 1 on.") }
    }

    func run() throws {
        try Manage.run {
            var source = TopSource(try machine.connect())
            EndRequest.bySignals()
            if json || !Terminal.isInteractive || Terminal.isDumb {
                try printSamples(&source)
            } else {
                try show(&source)
            }
        }
    }

    private func printSamples(_ source: inout TopSource) throws {
        for number in 0..<(count ?? .max) where !EndRequest.isMade {
            if number > 0 { Manage.sleep(seconds: every) }
            let sample = try source.next()
            if json {
                Terminal.write(try jsonText(sample, pretty: false) + "\n")
            } else {
                let columns = Terminal.isOutput ? Terminal.size.columns : .max
                let screen = TopScreen(sample, columns: columns, rows: .max, order: sort, hasColour: false)
                Terminal.write((number > 0 ? "\n" : "") + screen.lines.joined(separator: "\n") + "\n")
            }
            // Whoever read it has gone.
            if Terminal.hasFailed { return }
        }
    }

    private func show(_ source: inout TopSource) throws {
        var order = sort, sample = try source.next(), taken = ContinuousClock.now, number = 1
        let raw = RawTerminal.enter()
        Terminal.write("\u{1B}[?1049h\u{1B}[?25l")
        defer {
            Terminal.write("\u{1B}[?25h\u{1B}[?1049l")
            _ = raw
        }
        var size = (columns: 0, rows: 0), isChanged = true
        while !EndRequest.isMade {
            if ContinuousClock.now - taken >= .seconds(every) {
                guard number < count ?? .max else { return }
                (sample, taken, number, isChanged) = (try source.next(), .now, number + 1, true)
            }
            if isChanged || Terminal.size != size {
                (size, isChanged) = (Terminal.size, false)
                let screen = TopScreen(
                    sample, columns: size.columns, rows: size.rows - 1, order: order, hasColour: Terminal.hasColour)
                let lines = screen.lines + [ScreenLine.cut("q ends, n, e, m: by name, exits, manifest", size.columns)]
                Terminal.write("\u{1B}[H" + lines.map { $0 + "\u{1B}[K" }.joined(separator: "\r\n") + "\u{1B}[J")
            }
            guard let keys = Terminal.typed(timeout: 0.1) else { return }
            for key in keys {
                switch key {
                case UInt8(ascii: "q"), 3: return
                case UInt8(ascii: "n"): order = .name
                case UInt8(ascii: "e"): order = .exits
                case UInt8(ascii: "m"): order = .manifest
                default: continue
                }
                isChanged = true
            }
        }
    }
}

/// Asks a machine for one sample after the other.
private struct TopSource {
    private let client: ControlClient
    private var earlier: [String: PartitionStatistics] = [:]

    init(_ client: ControlClient) { self.client = client }

    mutating func next() throws -> TopSample {
        let machine = try client.hello(), list = try client.list()
        var statistics: [String: PartitionStatistics] = [:]
        for info in list where info.permits.contains(.statistics) {
            statistics[info.name.string] = try client.statistics(info.name.string)
        }
        defer { earlier = statistics }
        return TopSample(machine, list, statistics, since: earlier)
    }
}

extension TopScreen.Order: ExpressibleByArgument {}
