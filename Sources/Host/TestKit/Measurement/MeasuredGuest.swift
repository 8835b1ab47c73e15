import ControlClient
import Foundation
import Machines

/// One guest of ours, on whatever it runs. Used by one thread.
public protocol MeasuredGuest: AnyObject {
    /// Types a line on its console.
    func type(line: String) throws
    /// The lines that its console printed since the last call; waits for some, at most `timeout`.
    func lines(timeout: Duration) throws -> [String]
    /// What waits for it are measured by.
    var clock: any WaitClock { get }
    /// What counts its instructions and exits, if anything does.
    var counter: Counter? { get }
    /// The machine's cores that it runs on.
    var cores: [Int] { get }
    /// Its exits since it was started, by the hypervisor's own counters; nil where nothing is beneath it.
    func ownExits() throws -> UInt64?
}

/// A silent window: all the time between the guest's two marks, unless it is said otherwise.
public struct GuestWindow: Codable, Sendable {
    public var activity: String
    /// By the guest's clock.
    public var seconds: Double
    /// Wake-ups, system calls, faults, programs or IPIs; nil where nothing is counted.
    public var work: Double?
    /// On the guest's cores; nil when nobody counted.
    public var counts: Counter.Count?
    /// Whether the guest began only when it was asked a second time; nil when at once.
    public var askedAgain: Bool?
    public var latency: GuestLine.Latency?
    public var histogram: LatencyHistogram?

    public var exitsPerSecond: Double? { counts.map { Double($0.exitCount) / max(seconds, 0.001) } }
    public var workPerSecond: Double? { work.map { $0 / max(seconds, 0.001) } }
    public var exitsPerWork: Double? { perWork(counts.map { Double($0.exitCount) }) }
    /// All that its cores executed, hypervisor and guest.
    public var instructionsPerWork: Double? { perWork(counts.map { Double($0.instructions) }) }
    public var hypervisorInstructionsPerWork: Double? { perWork(counts.map { Double($0.rootInstructions) }) }
    public var instructionsPerSecond: Double? { counts.map { Double($0.instructions) / max(seconds, 0.001) } }
    /// The part of all instructions that no guest executed, 0 to 1. Where nothing is beneath the guest, it is 1.
    public var hypervisorShare: Double? {
        counts.map { Double($0.rootInstructions) / Double(max($0.instructions, 1)) }
    }

    private func perWork(_ count: Double?) -> Double? {
        guard let count, let work, work > 0 else { return nil }
        return count / work
    }
}

/// What was seen when a guest's user space was first heard.
public struct GuestStart: Codable, Sendable {
    public var kernel: String
    public var vcpus: Int
    /// By the guest kernel's clock.
    public var kernelMilliseconds: Int
    /// Since the machine was switched on, on the guest's cores; the exits by which the guest printed the line that was
    /// heard are left out.
    public var counts: Counter.Count?
    /// By the hypervisor's own counters, the same ones left out.
    public var ownExits: UInt64?
}

extension MeasuredGuest {
    /// Waits for the line by which user space is heard.
    /// - Throws: `MachineError.timeout`, and what `lines` and the counters throw.
    public func waitUntilReady(seconds: Double) throws -> GuestStart {
        try wait(seconds: seconds, for: "user space") { line in
            // The firmware's last words may stand before it, without a line end.
            guard let start = line.range(of: "@bulkhead "),
                case .ready(let kernel, let vcpus, _, let time?) = GuestLine(line[start.lowerBound...])
            else { return nil }
            var counts = try counter?.sinceStart(cores: cores)
            // Each character of that line and its line end was one port exit at least, by user space.
            let printed = UInt64(line[start.lowerBound...].utf8.count) + 2
            let ports = counts?.exits["port"]?.count ?? 0
            counts?.exits["port"]?.count = ports - min(ports, printed)
            let own = try ownExits().map { $0 - min($0, printed) }
            return GuestStart(
                kernel: kernel, vcpus: vcpus, kernelMilliseconds: time, counts: counts, ownExits: own)
        }
    }

    /// Asks for a silent window of one activity and measures it.
    /// - Throws: `MachineError`, and what `lines` and the counters throw.
    public func measure(_ activity: String, seconds: Int) throws -> GuestWindow {
        var window = GuestWindow(activity: activity, seconds: Double(seconds))
        do {
            try begin(activity, seconds)
        } catch MachineError.timeout {
            // A byte that got lost on a busy machine would otherwise cost the whole run. A guest that hangs hangs again.
            window.askedAgain = true
            try type(line: "")
            Thread.sleep(forTimeInterval: 2)
            _ = try lines(timeout: .seconds(1))
            try begin(activity, seconds)
        }
        try wait(seconds: Double(seconds) * 4 + 90, for: "end of the window (\(activity))") { line in
            switch GuestLine(line) {
            case .work(_, let count, let ms):
                (window.work, window.seconds) = (Double(count), Double(ms) / 1000)
            case .latency(let latency):
                window.latency = latency
                // cyclictest runs from half a second before the window until half a second after it.
                window.work = Double(latency.samples) * Double(seconds) / Double(seconds + 1)
            case .histogram(let buckets):
                if window.histogram == nil { window.histogram = LatencyHistogram() }
                window.histogram?.add(buckets)
            case .error(let text): throw MachineError.declined(text)
            case .phaseEnd: return true
            default: break
            }
            return nil
        }
        window.counts = try counter?.lastWindow(cores: cores)
        return window
    }

    private func begin(_ activity: String, _ seconds: Int) throws {
        try type(line: "\(activity) \(seconds)")
        try wait(seconds: 30, for: "beginning of the window (\(activity))") { line in
            switch GuestLine(line) {
            case .phase(activity, _): true
            case .error(let text): throw MachineError.declined(text)
            default: nil
            }
        }
    }

    /// Gives the guest something to do in the background, for good.
    public func run(_ activity: String) throws { try type(line: "run \(activity)") }

    @discardableResult
    private func wait<T>(seconds: Double, for what: String, _ match: (String) throws -> T?) throws -> T {
        let deadline = Deadline(clock, after: .seconds(seconds))
        var seen: [String] = []
        while !deadline.isOver {
            for line in try lines(timeout: .milliseconds(200)) {
                if let value = try match(line) { return value }
                seen.append(line)
            }
        }
        throw MachineError.timeout(awaited: what, seconds: seconds, log: seen.suffix(12).joined(separator: "\n"))
    }
}
