import ControlClient
import Dispatch
import Foundation
import Synchronization

/// The lines that a machine printed so far. Any number of threads may wait for one that they are looking for.
public final class ConsoleLog: Sendable {
    fileprivate struct State {
        var lines: [String] = []
        var splitter = LineSplitter()
        var closed = false
        var waiting: [DispatchSemaphore] = []
    }
    private let state = Mutex(State())
    /// Called with each finished line, on the thread that reads the console.
    private let onLine: @Sendable (String) -> Void

    public init(onLine: @escaping @Sendable (String) -> Void = { _ in }) { self.onLine = onLine }

    /// All finished lines, without line ends, carriage returns and terminal control sequences.
    public var lines: [String] { state.withLock { $0.lines } }

    /// Whether the machine has ended: nothing more will come.
    public var isClosed: Bool { state.withLock { $0.closed } }

    /// The last lines, for an error message.
    public func tail(_ count: Int = 12) -> String { lines.suffix(count).joined(separator: "\n") }

    func append(_ bytes: [UInt8]) {
        let finished = state.withLock { state in
            let finished = state.splitter.take(bytes)
            state.lines += finished
            if !finished.isEmpty { state.wake() }
            return finished
        }
        finished.forEach(onLine)
    }

    func close() {
        state.withLock {
            let rest = $0.splitter.partial
            if !$0.closed && !rest.isEmpty { $0.lines.append(rest) }
            $0.closed = true
            $0.wake()
        }
    }

    /// Waits for the first line, from index `start` on, for which `match` returns a value; nil when the time is over or
    /// the machine has ended.
    public func wait<T>(
        from start: Int = 0, until deadline: Deadline, for match: (String) -> T?
    ) -> (index: Int, value: T)? {
        var next = start
        while true {
            let semaphore = DispatchSemaphore(value: 0)
            let (fresh, closed) = state.withLock { state in
                let fresh = Array(state.lines[min(next, state.lines.count)...])
                if fresh.isEmpty && !state.closed { state.waiting.append(semaphore) }
                return (fresh, state.closed)
            }
            for line in fresh {
                if let value = match(line) { return (next, value) }
                next += 1
            }
            if !fresh.isEmpty { continue }
            if closed { return nil }
            repeat {
                if deadline.isOver { return nil }
            } while semaphore.wait(timeout: .now() + deadline.left / .seconds(1)) == .timedOut
        }
    }
}

extension ConsoleLog.State {
    fileprivate mutating func wake() {
        for semaphore in waiting { semaphore.signal() }
        waiting.removeAll()
    }
}
