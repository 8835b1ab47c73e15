import ControlClient
import Foundation
import Machines
import Reports

/// The live screen: a table of the partitions, their consoles below, and one of them full-screen on request.
final class DemoScreen {
    private let machines: DemoMachines
    /// What is shown step by step; nil: nothing, and guests are asked for silent windows.
    private let example: DemoExample?
    /// nil where standard input is no terminal.
    private let raw = RawTerminal.enter()
    /// The partition whose console has the whole screen.
    private var attached: (console: GuestConsole, client: ControlClient)?
    private var leaving = false

    init(_ machines: DemoMachines, attach: String?, example: DemoExample? = nil) {
        (self.machines, self.example) = (machines, example)
        if let attach, let place = machines.places.first(where: { $0.name == attach }) { open(place) }
    }

    /// Returns when the user leaves.
    func run() throws {
        if attached == nil { Terminal.write("\u{1B}[?1049h\u{1B}[?25l") }
        defer { Terminal.write("\u{1B}[?25h\u{1B}[?1049l") }
        var drawn = ContinuousClock.now - .seconds(1)
        while !leaving, machines.areRunning {
            guard let keys = Terminal.typed(timeout: attached == nil ? 0.1 : 0.02) else { return }
            for key in keys { press(key) }
            try machines.explaining { try refresh() }
            if let attached {
                Terminal.write(attached.console.takeRaw())
            } else if ContinuousClock.now - drawn > .milliseconds(400) || !keys.isEmpty {
                draw()
                drawn = .now
            }
        }
        if !leaving { try machines.requireRunning() }
    }

    private func refresh() throws {
        if let attached {
            try attached.console.exchange(attached.client)
            // An example goes on meanwhile.
            guard example != nil else { return }
        }
        if let example { return try example.advance() }
        try machines.refresh()
        // One silent window after the other, so that the numbers on the screen are the steady state's.
        for place in machines.places where place.partition.isReady { place.partition.measure(seconds: 12) }
    }

    private func press(_ key: UInt8) {
        if let attached {
            if key == Terminal.detachKey { leave() } else { attached.console.type([key]) }
            return
        }
        switch key {
        case UInt8(ascii: "q"), 3: leaving = true
        case UInt8(ascii: "1")...UInt8(ascii: "9"):
            let index = Int(key - UInt8(ascii: "1"))
            let places = machines.places
            if index < places.count { open(places[index]) }
        default: break
        }
    }

    private func open(_ place: DemoMachines.Place) {
        guard let console = place.partition.console else { return }
        attached = (console, place.client)
        _ = console.takeRaw()
        Terminal.write("\u{1B}[?25h\u{1B}[?1049l\u{1B}[2J\u{1B}[H")
        Terminal.write(
            "Console of \(place.name). Ctrl-] leaves it\(example == nil ? "; Enter lists the guest's commands" : "").\r\n"
        )
        if example == nil {
            Terminal.write("A guest in a silent window hears them when the window is over, within 12 s.\r\n")
        }
        for line in console.lines.suffix(Terminal.size.rows - 4) { Terminal.write(line + "\r\n") }
        Terminal.write(console.partialLine)
    }

    private func leave() {
        attached = nil
        Terminal.write("\u{1B}[?1049h\u{1B}[?25l")
        draw()
    }

    private func draw() {
        let size = Terminal.size
        var lines: [String] = [], number = 1
        for testbed in machines.all {
            let rows = testbed.watch.partitions.map(DemoTable.Row.init)
            lines += DemoTable(testbed.watch.machine, uptime: testbed.machine.uptime, rows, from: number).lines
            number += rows.count
        }
        if let example { lines += example.lines }
        // Longer than a line: a terminal copies as one line what it has broken itself.
        let command = example?.command.map { ScreenLine.broken($0, size.columns) } ?? []
        let goesOn = lines.count..<(lines.count + max(command.count - 1, 0))
        lines += command
        let consoles = machines.places.filter { $0.partition.console != nil }
        let room = max(size.rows - lines.count - 2 - consoles.count, 0) / max(consoles.count, 1)
        for place in consoles {
            guard let console = place.partition.console else { continue }
            lines.append("\u{1B}[7m \(place.name) \u{1B}[0m")
            let shown = (console.lines + [console.partialLine]).suffix(room)
            lines += shown.map { " " + $0 } + Array(repeating: "", count: room - shown.count)
        }
        lines.append("1-\(max(consoles.count, 1)): console (Ctrl-] leaves it)   q: switch the machine off")
        let rows = lines.prefix(size.rows).enumerated().map { index, line in
            if goesOn.contains(index) { return line }
            let end = index + 1 < min(lines.count, size.rows) ? "\r\n" : ""
            return ScreenLine.cut(line, size.columns) + "\u{1B}[K" + end
        }
        Terminal.write("\u{1B}[H" + rows.joined() + "\u{1B}[J")
    }
}

extension DemoTable.Row {
    init(_ partition: PartitionWatch) {
        self.init(partition.info)
        kernel = partition.kernel
        isReady = partition.isReady
        exits = partition.statistics?.total ?? 0
        rates = partition.rates
        steady = partition.steady.map { ($0.exits, $0.seconds) }
        latency = partition.latency.map { ($0.avg, $0.max) }
    }
}
