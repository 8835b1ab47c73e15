import Control
import ControlClient
import Foundation
import NIOCore
import Synchronization

/// The machine's management link, on a thread of its own: it carries out what is asked one after the other, looks at the
/// partitions once a second and after each event, and connects anew when the machine has gone.
final class MachineLink: Sendable {
    /// What it returns: the machine did not answer.
    typealias Job = @Sendable (Result<ControlClient, LinkError>) -> LinkError?

    private let path: String
    private let tell: @Sendable (MachineNews) -> Void
    private let jobs = Mutex(JobQueue<Job>())
    private let isStopped = Mutex(false)
    private let wake: WakePipe
    /// Between two looks at the partitions, if nothing happens.
    static let period = Duration.seconds(1)

    /// - Parameters:
    ///   - path: the machine's UNIX socket or serial line.
    ///   - tell: called on the link's thread.
    init(path: String, tell: @escaping @Sendable (MachineNews) -> Void) throws {
        (self.path, self.tell) = (path, tell)
        wake = try WakePipe()
    }

    func start() {
        let thread = Thread { self.run() }
        thread.name = "link"
        thread.start()
    }

    func stop() {
        isStopped.withLock { $0 = true }
        wake.ring()
    }

    /// Asks the machine something, after what was asked before.
    func ask<T: Sendable>(
        _ loop: EventLoop, _ kind: JobKind, _ body: @escaping @Sendable (ControlClient) throws(LinkError) -> T
    ) -> EventLoopFuture<T> {
        let promise = loop.makePromise(of: T.self), path = path
        let isTaken = jobs.withLock { jobs in
            let job: Job = { client in
                do throws(LinkError) {
                    promise.succeed(try body(try client.get()))
                    return nil
                } catch {
                    promise.fail(error)
                    return error.isSilence ? error : nil
                }
            }
            return jobs.append(job, kind)
        }
        if isTaken { wake.ring() } else { promise.fail(LinkError.busy(path: path)) }
        return promise.futureResult
    }

    // MARK: On the thread

    private func run() {
        while !isStopped.withLock({ $0 }) {
            do throws(LinkError) {
                let client = try ControlClient(path: path)
                tell(.up(try client.hello(), try client.inventory(), try client.list()))
                try client.subscribe()
                try serve(client)
            } catch {
                // What has rung until now is answered by this; else the wait would not wait.
                wake.clear()
                tell(.down("\(error)"))
                fail(error)
                wake.wait(for: [], .seconds(1))
            }
        }
    }

    private func serve(_ client: ControlClient) throws(LinkError) {
        var refresh = ContinuousClock.now
        var lastFailure: LinkError?
        while !isStopped.withLock({ $0 }) {
            work(client)
            if wake.wait(for: [client.descriptor], .zero) {
                while let event = try client.nextEvent(timeout: .milliseconds(1)) {
                    tell(.event(event.event))
                    refresh = .now
                }
            }
            if ContinuousClock.now >= refresh {
                do throws(LinkError) {
                    tell(.partitions(try client.list()))
                    lastFailure = nil
                } catch {
                    // A silent machine may answer again on the same line; a closed line does not.
                    guard error.isSilence else { throw error }
                    tell(.down("\(error)"))
                    fail(error)
                    if lastFailure != nil { throw error }
                    lastFailure = error
                }
                refresh = .now + Self.period
            }
            // Events that came with an answer lie in the client and make no descriptor readable.
            while let event = try client.nextEvent(timeout: .zero) {
                tell(.event(event.event))
                refresh = .now
            }
            _ = wake.wait(for: [client.descriptor], max(refresh - .now, .zero))
        }
    }

    /// Carries out what waits now, and not what comes meanwhile: the machine is looked at in between.
    func work(_ client: ControlClient) {
        wake.clear()
        for _ in 0..<jobs.withLock({ $0.count }) {
            guard let silence = jobs.withLock({ $0.next() })?(.success(client)) else { continue }
            // Those that wait would wait as long, one after the other.
            tell(.down("\(silence)"))
            return fail(silence)
        }
    }

    /// Fails all that wait.
    func fail(_ error: LinkError) {
        while let job = jobs.withLock({ $0.next() }) { _ = job(.failure(error)) }
    }
}
