import ControlClient
import Foundation
import Synchronization

/// The time in which an emulated machine could run: the host's, without what the emulator's threads waited for one of the
/// host's processors. Limits by it hold on a busy host, and a machine that hangs or sleeps still comes to their end.
///
/// The machine's own clocks do not serve: QEMU's go with the host's clock, whether its processors run or not.
public final class ProgressClock: WaitClock {
    private struct State {
        /// When the threads were last looked at, by the host's clock.
        var seen: Duration
        /// By thread: how long it has waited for a processor since it was started.
        var waited: [String: Duration]
        var now = Duration.zero
    }
    private let state: Mutex<State>
    private let threads: String
    private let host: any WaitClock

    /// The threads are looked at no more often: each look reads a dozen files.
    static let resolution = Duration.milliseconds(20)
    /// Even a machine that gets nothing advances by this part of the host's time, so that no wait is without an end.
    static let smallestPart = 20

    package convenience init(process: pid_t) { self.init(threads: "/proc/\(process)/task") }

    /// - Parameter threads: a folder with one folder a thread, as the kernel shows a process's.
    init(threads: String, host: any WaitClock = HostClock()) {
        (self.threads, self.host) = (threads, host)
        state = Mutex(State(seen: host.now, waited: Self.waits(threads)))
    }

    public var now: Duration {
        state.withLock { state in
            let seen = host.now
            guard seen - state.seen >= Self.resolution else { return state.now }
            let waited = Self.waits(threads)
            // The thread that waited longest holds up the others.
            let longest = waited.map { $1 - (state.waited[$0] ?? .zero) }.max() ?? .zero
            let passed = seen - state.seen
            state.now += max(passed - max(longest, .zero), passed / Self.smallestPart)
            (state.seen, state.waited) = (seen, waited)
            return state.now
        }
    }

    /// Empty when the process has ended, or the host's kernel keeps no account (CONFIG_SCHED_INFO).
    private static func waits(_ folder: String) -> [String: Duration] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        var waits: [String: Duration] = [:]
        for name in names {
            // Nanoseconds that it ran, nanoseconds that it waited, time slices.
            guard let text = try? String(contentsOfFile: "\(folder)/\(name)/schedstat", encoding: .utf8) else {
                continue
            }
            let numbers = text.split(whereSeparator: \.isWhitespace).compactMap { Int64($0) }
            if numbers.count == 3 { waits[name] = .nanoseconds(numbers[1]) }
        }
        return waits
    }
}

extension Machine {
    /// The end of a wait for this machine.
    /// - Parameter seconds: on QEMU, of the machine's progress; longer on a slower machine.
    public func deadline(seconds: Double) -> Deadline {
        Deadline(clock, after: .seconds(seconds * emulator.kind.slowness))
    }

    /// Lets the machine go on for so long, by its progress.
    public func run(seconds: Double) {
        let deadline = Deadline(clock, after: .seconds(seconds))
        while !deadline.isOver, isRunning { Thread.sleep(forTimeInterval: 0.02) }
    }
}
