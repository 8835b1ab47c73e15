import Foundation

/// One guest of ours whose exits are counted, on whatever it runs. Used by one thread.
public protocol MeasuredGuest: AnyObject {
    /// Types a line on its console.
    func type(line: String) throws
    /// The lines that its console printed since the last call; waits for some, at most `timeout`.
    func lines(timeout: Duration) throws -> [String]
    /// Its exits since it was started; nil where nothing is beneath it, or where nobody counts.
    func exits() throws -> ExitSample?
}

/// Exit counters at one moment.
public struct ExitSample: Sendable {
    /// A clock that runs as fast as the guest's.
    public var seconds: Double
    /// By names that mean the same for every hypervisor; `ExitReason` has most of them.
    public var byReason: [String: UInt64]
    public init(seconds: Double, byReason: [String: UInt64]) {
        self.seconds = seconds
        self.byReason = byReason
    }

    /// What was added since an earlier sample; reasons that did not occur are left out.
    func since(_ before: ExitSample) -> ExitSample {
        let counts = byReason.map { ($0, $1 - min($1, before.byReason[$0] ?? 0)) }.filter { $0.1 > 0 }
        return ExitSample(seconds: seconds - before.seconds, byReason: .init(uniqueKeysWithValues: counts))
    }
}

/// A silent window, measured in all but its first and last second.
public struct GuestWindow: Codable, Sendable {
    public var activity: String
    /// Between the two looks at the counters.
    public var seconds: Double
    /// By reason. Nil where nothing is beneath the guest, or where nobody counted.
    public var exits: [String: UInt64]?
    /// Wake-ups, system calls, faults, programs or IPIs in a second of the guest's; nil where nothing is counted.
    public var workPerSecond: Double?
    public var latency: GuestLine.Latency?
    public var histogram: LatencyHistogram?

    public var exitsPerSecond: Double? { exits.map { Double($0.values.reduce(0, +)) / max(seconds, 0.001) } }
    public var exitsPerWork: Double? {
        guard let exitsPerSecond, let workPerSecond, workPerSecond > 0 else { return nil }
        return exitsPerSecond / workPerSecond
    }
}

/// What was seen when a guest's user space was first heard.
public struct GuestStart: Codable, Sendable {
    public var kernel: String
    public var vcpus: Int
    /// By the guest kernel's clock.
    public var kernelMilliseconds: Int
    /// Exits since the guest's first instruction, the printing of the line by which user space was heard left out.
    public var exits: [String: UInt64]?
}

extension MeasuredGuest {
    /// Waits for the line by which user space is heard.
    /// - Throws: `MachineError.timeout`, and what `lines` and `exits` throw.
    public func waitUntilReady(seconds: Double) throws -> GuestStart {
        try wait(seconds: seconds, for: "user space") { line in
            // The firmware's last words may stand before it, without a line end.
            guard let start = line.range(of: "@bulkhead "),
                case .ready(let kernel, let vcpus, _, let time?) = GuestLine(line[start.lowerBound...])
            else { return nil }
            var exits = try self.exits()?.byReason
            // Each character of that line and its line end was one port exit at least, by user space.
            let printed = UInt64(line[start.lowerBound...].utf8.count) + 2
            if let ports = exits?["port"] { exits?["port"] = ports - min(ports, printed) }
            return GuestStart(kernel: kernel, vcpus: vcpus, kernelMilliseconds: time, exits: exits)
        }
    }

    /// Asks for a silent window of one activity and measures it.
    /// - Parameter seconds: at least 4.
    /// - Throws: `MachineError`, and what `lines` and `exits` throw.
    public func measure(_ activity: String, seconds: Int) throws -> GuestWindow {
        try type(line: "\(activity) \(seconds)")
        try wait(seconds: 60, for: "silent window (\(activity))") { line in
            if case .phase = try Self.read(line) { true } else { nil }
        }
        let clock = ContinuousClock()
        let begun = clock.now
        Thread.sleep(forTimeInterval: 1)
        let first = try exits()
        Thread.sleep(forTimeInterval: max(0, Double(seconds) - 1 - (clock.now - begun) / .seconds(1)))
        let last = try exits()
        let looked = (clock.now - begun) / .seconds(1) - 1
        var window = GuestWindow(activity: activity, seconds: looked)
        if let first, let last {
            let difference = last.since(first)
            (window.seconds, window.exits) = (difference.seconds, difference.byReason)
        }
        try wait(seconds: Double(seconds) * 4 + 30, for: "end of the window (\(activity))") { line in
            switch try Self.read(line) {
            case .work(_, let count, let ms): window.workPerSecond = Double(count) / Double(max(ms, 1)) * 1000
            case .latency(let latency):
                window.latency = latency
                // The activity runs from half a second before the window until half a second after it.
                window.workPerSecond = Double(latency.samples) / Double(seconds + 1)
            case .histogram(let buckets):
                if window.histogram == nil { window.histogram = LatencyHistogram() }
                window.histogram?.add(buckets)
            case .phaseEnd: return true
            default: break
            }
            return nil
        }
        return window
    }

    /// Gives the guest something to do in the background, for good.
    public func run(_ activity: String) throws { try type(line: "run \(activity)") }

    private static func read(_ line: String) throws -> GuestLine? {
        let line = GuestLine(line)
        if case .error(let text) = line { throw MachineError.declined(text) }
        return line
    }

    @discardableResult
    private func wait<T>(seconds: Double, for what: String, _ match: (String) throws -> T?) throws -> T {
        let deadline = ContinuousClock.now + .seconds(seconds)
        var seen: [String] = []
        while ContinuousClock.now < deadline {
            for line in try lines(timeout: .milliseconds(200)) {
                if let value = try match(line) { return value }
                seen.append(line)
            }
        }
        throw MachineError.timeout(awaited: what, seconds: seconds, log: seen.suffix(12).joined(separator: "\n"))
    }
}
