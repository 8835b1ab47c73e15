import Dispatch
import Foundation
import Synchronization

/// The lines that a machine printed so far. Any number of threads may wait for one that they are looking for.
public final class ConsoleLog: Sendable {
    fileprivate struct State {
        var lines: [String] = []
        var partial: [UInt8] = []
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
            var finished: [String] = []
            for byte in bytes {
                if byte == 0x0A {
                    finished.append(Self.text(state.partial))
                    state.partial.removeAll(keepingCapacity: true)
                } else if state.partial.count < 4096 {
                    state.partial.append(byte)
                }
            }
            state.lines += finished
            if !finished.isEmpty { state.wake() }
            return finished
        }
        finished.forEach(onLine)
    }

    func close() {
        state.withLock {
            if !$0.partial.isEmpty { $0.lines.append(Self.text($0.partial)) }
            $0.partial = []
            $0.closed = true
            $0.wake()
        }
    }

    /// Waits for the first line, from index `start` on, for which `match` returns a value; nil when the time is over or
    /// the machine has ended.
    public func wait<T>(
        from start: Int = 0, seconds: Double, for match: (String) -> T?
    ) -> (index: Int, value: T)? {
        let deadline = DispatchTime.now() + seconds
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
            if closed || semaphore.wait(timeout: deadline) == .timedOut { return nil }
        }
    }

    private static func text(_ bytes: [UInt8]) -> String {
        var plain: [UInt8] = []
        var escape = false
        for byte in bytes {
            if escape {
                // ESC [ parameters letter
                if byte != 0x5B, (0x40...0x7E).contains(byte) { escape = false }
            } else if byte == 0x1B {
                escape = true
            } else if byte >= 0x20 || byte == 0x09 {
                plain.append(byte)
            }
        }
        return String(decoding: plain, as: UTF8.self)
    }
}

extension ConsoleLog.State {
    fileprivate mutating func wake() {
        for semaphore in waiting { semaphore.signal() }
        waiting.removeAll()
    }
}
