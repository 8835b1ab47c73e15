import Control
import ControlClient
import enum ManifestFile.Readiness

/// What is known of one partition of a running machine, and the silent windows in which its exits are measured.
public final class PartitionWatch {
    public let name: String
    public private(set) var info: PartitionInfo
    /// Its console, if the manifest permits to read it.
    public let console: GuestConsole?
    /// As the guest printed it.
    public private(set) var kernel: String?
    public private(set) var vcpus: Int?
    public private(set) var activity: String?
    /// Milliseconds from the guest's first instruction until it was ready, to the accuracy of `refresh`.
    public private(set) var readyMilliseconds: Double?
    /// Milliseconds that the guest's kernel needed to start user space, by its own clock.
    public private(set) var kernelMilliseconds: Int?
    /// The exit counters when user space was first heard, to the accuracy of `refresh`.
    public private(set) var statisticsAtReady: PartitionStatistics?
    public private(set) var latency: GuestLine.Latency?
    public private(set) var statistics: PartitionStatistics?
    /// Exits per second by reason, over the last two refreshes.
    public private(set) var rates: [(reason: ExitReason, perSecond: Double)] = []
    /// The last finished window.
    public private(set) var steady: SteadyWindow?
    /// Errors that the guest reported.
    public private(set) var errors: [String] = []

    private enum Window {
        /// The guest was asked and has not begun.
        case asked
        /// It has begun.
        case begun(seconds: Int)
        /// The counters are read once it has settled. From here on by the machine's clock, microseconds: it is the
        /// guest's, whatever the host makes of a second.
        case settling(from: UInt64, seconds: Int)
        case counting(PartitionStatistics, until: UInt64)
        case ending
    }
    private var window: Window?
    /// What the guest does in the window.
    private var windowActivity = ""

    private let readiness: Readiness?
    /// Whether the console has shown what says that the guest is ready.
    private var hasShown = false

    init(_ info: PartitionInfo, _ readiness: Readiness?) {
        self.info = info
        self.readiness = readiness
        name = info.name.string
        console = info.permits.contains(.consoleRead) ? GuestConsole(partition: name) : nil
        console?.onLine = { [unowned self] in heard($0) }
    }

    /// Whether the guest does its work, as far as the manifest says how that is told: else, whether it runs.
    public var isReady: Bool {
        switch readiness {
        case nil: info.state == .running || info.state == .paused
        case .pattern: hasShown
        case .watchdog: info.kicks > 0
        case .time(let seconds): info.uptimeMicroseconds >= UInt64(seconds) * 1_000_000
        }
    }
    /// Whether a silent window is under way: the guest hears no commands meanwhile.
    public var isMeasuring: Bool { window != nil }

    /// Asks the guest for a silent window in which it does one thing and nothing else, and measures the exits in all
    /// but its first and last second. False when the guest cannot be asked now.
    /// - Parameter activity: `cyclictest`, `busy`, `idle` or `load`; nil: what it does already.
    @discardableResult
    public func measure(seconds: Int, activity: String? = nil) -> Bool {
        guard let console, let activity = activity ?? self.activity, window == nil, seconds >= 3,
            info.state == .running, info.permits.contains(.consoleWrite), info.permits.contains(.statistics)
        else { return false }
        console.type(line: "\(activity) \(seconds)")
        windowActivity = activity
        window = .asked
        return true
    }

    /// Fetches what is new.
    func refresh(_ info: PartitionInfo, _ client: ControlClient) throws(LinkError) {
        let restarted = info.starts != self.info.starts
        self.info = info
        if restarted { clearReadings() }
        try console?.exchange(client)
        if let partial = console?.partialLine { look(partial) }
        if isReady, readyMilliseconds == nil { readyMilliseconds = Double(info.uptimeMicroseconds) / 1000 }
        guard info.permits.contains(.statistics) else { return }
        let now = try client.statistics(name)
        if let before = statistics { rates = Self.rates(before, now) }
        statistics = now
        if kernel != nil, statisticsAtReady == nil { statisticsAtReady = now }
        step(now)
    }

    private func look(_ line: String) {
        if case .pattern(let text) = readiness, line.contains(text) { hasShown = true }
    }

    private func clearReadings() {
        hasShown = false
        (kernel, vcpus, activity, readyMilliseconds, window) = (nil, nil, nil, nil, nil)
        (kernelMilliseconds, statisticsAtReady) = (nil, nil)
    }

    private func step(_ now: PartitionStatistics) {
        switch window {
        case .begun(let seconds): window = .settling(from: now.clockMicroseconds, seconds: seconds)
        case .settling(let start, let seconds) where now.clockMicroseconds >= start &+ 1_000_000:
            window = .counting(now, until: start &+ UInt64(seconds - 1) &* 1_000_000)
        case .counting(let start, let end) where now.clockMicroseconds >= end:
            steady = SteadyWindow(activity: windowActivity, from: start, to: now)
            window = .ending
        default: break
        }
    }

    private func heard(_ line: String) {
        look(line)
        switch GuestLine(line) {
        case .ready(let kernel, let vcpus, let activity, let uptime):
            (self.kernel, self.vcpus, self.activity) = (kernel, vcpus, activity)
            kernelMilliseconds = uptime
        case .latency(let latency): self.latency = latency
        case .phase(_, let seconds):
            if case .asked = window { window = .begun(seconds: seconds) }
        case .phaseEnd: window = nil
        case .error(let text): errors.append(text)
        case .memory, .work, .histogram, nil: break
        }
    }

    private static func rates(
        _ before: PartitionStatistics, _ now: PartitionStatistics
    ) -> [(reason: ExitReason, perSecond: Double)] {
        let seconds = Double(now.clockMicroseconds &- before.clockMicroseconds) / 1e6
        guard seconds > 0, seconds < 1e6 else { return [] }
        return ExitReason.all.compactMap { reason in
            let count = now.exits(reason) &- before.exits(reason)
            return count == 0 || count > UInt64(Int64.max) ? nil : (reason, Double(count) / seconds)
        }
    }
}

/// Exits within a silent window, by the machine's own clock.
public struct SteadyWindow: Sendable {
    public var activity: String
    public var seconds: Double
    public var byReason: [(reason: ExitReason, count: UInt64)]
    public var exits: UInt64 { byReason.reduce(0) { $0 + $1.count } }

    init(activity: String, from: PartitionStatistics, to: PartitionStatistics) {
        self.activity = activity
        seconds = Double(to.clockMicroseconds &- from.clockMicroseconds) / 1e6
        byReason = ExitReason.all.compactMap { reason in
            let count = to.exits(reason) &- from.exits(reason)
            return count == 0 ? nil : (reason, count)
        }
    }
}
