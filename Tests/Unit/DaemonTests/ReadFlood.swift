import ControlClient
@testable import Daemon
import Foundation
import NIOCore

/// As many reads as may wait: when one is answered the next is asked for.
final class ReadFlood {
    private let link: MachineLink
    private let loop: EventLoop
    private let time: TimeInterval
    private(set) var answered = 0

    /// - Parameter time: seconds that the machine takes for each, at least.
    init(_ bench: DaemonBench, each time: TimeInterval = 0) {
        (link, loop, self.time) = (bench.link, bench.loop, time)
        for _ in 0..<JobQueue<Int>.readCapacity { ask() }
    }

    private func ask() {
        let answer = link.ask(loop, .read) { [time] (client) throws(LinkError) in
            Thread.sleep(forTimeInterval: time)
            return try client.hello().cores
        }
        answer.assumeIsolated().whenSuccess { [weak self] _ in
            guard let self else { return }
            answered += 1
            ask()
        }
    }
}
