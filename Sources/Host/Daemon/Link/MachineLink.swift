import Control
import ControlClient
import Foundation
import NIOCore
import Synchronization

/// The machine's management link, on a thread of its own: it carries out what is asked one after the other, looks at the
/// partitions once a second and soon after an event, and connects anew when the machine has gone.
final class MachineLink: Sendable {
    /// What it returns: the machine did not answer.
    typealias Job = @Sendable (Result<ControlClient, LinkError>) -> LinkError?

    private let path: String
    private let tell: @Sendable (MachineNews) -> Void
    /// What waits, and for whom: the link's connections are counted.
    private struct State {
        var jobs = JobQueue<Job>()
        /// The link's own connection, or its last one.
        var connection = 0
        /// The one of which the daemon has been told: what it asks is meant for the machine at its other end.
        var known = 0
    }

    private let state = Mutex(State())
    private let isStopped = Mutex(false)
    private let wake: WakePipe
    /// Events that are told before the partitions are looked at again.
    static let maxEvents = 64

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

    /// From now on what is asked is meant for the machine at the other end of this connection.
    func address(_ connection: Int) { state.withLock { $0.known = connection } }

    /// Asks the machine something: a change after the changes that were asked for before.
    func ask<T: Sendable>(
        _ loop: EventLoop, _ kind: JobKind, _ body: @escaping @Sendable (ControlClient) throws(LinkError) -> T
    ) -> EventLoopFuture<T> {
        let promise = loop.makePromise(of: T.self), path = path
        let refusal: LinkError? = state.withLock { state in
            // Whoever asks does not know yet that this may be another machine.
            guard state.known == state.connection else { return .closed(path: path) }
            let job: Job = { client in
                do throws(LinkError) {
                    promise.succeed(try body(try client.get()))
                    return nil
                } catch {
                    promise.fail(error)
                    return error.isSilence ? error : nil
                }
            }
            return state.jobs.append(job, kind) ? nil : .busy(path: path)
        }
        if let refusal { promise.fail(refusal) } else { wake.ring() }
        return promise.futureResult
    }

    // MARK: On the thread

    private func run() {
        while !isStopped.withLock({ $0 }) {
            do throws(LinkError) {
                let client = try ControlClient(path: path)
                let (info, inventory, partitions) = (try client.hello(), try client.inventory(), try client.list())
                tell(.up(info, inventory, partitions, connection: renew()))
                try client.subscribe()
                try serve(client)
            } catch {
                tell(.down("\(error)"))
                fail(error)
                pause()
            }
        }
    }

    /// Between two tries to connect, whoever rings meanwhile: what is asked for waits for the next one.
    private func pause() {
        let end = ContinuousClock.now + .seconds(1)
        while ContinuousClock.now < end, !isStopped.withLock({ $0 }) {
            wake.wait(for: [], end - .now)
            wake.clear()
        }
    }

    /// A new connection, maybe to another machine: what waits was meant for the one before. Returns its number.
    func renew() -> Int {
        let number = state.withLock { state in
            state.connection += 1
            return state.connection
        }
        fail(.closed(path: path))
        return number
    }

    private func serve(_ client: ControlClient) throws(LinkError) {
        var looks = LookTimes()
        while !isStopped.withLock({ $0 }) {
            try turn(client, &looks)
            _ = wake.wait(for: [client.descriptor], looks.next - .now)
        }
    }

    /// Once round: carries out what waits, tells what has happened, and looks at the partitions if it is time. A look answers
    /// those who wait for a change to have happened: nothing keeps the next one waiting for long.
    func turn(_ client: ControlClient, _ looks: inout LookTimes) throws(LinkError) {
        work(client)
        // Events that came with an answer lie in the client and make no descriptor readable.
        let isReadable = wake.wait(for: [client.descriptor], .zero)
        if try tellEvents(client, isReadable ? .milliseconds(1) : .zero) { looks.hasten() }
        if ContinuousClock.now >= looks.next {
            do throws(LinkError) {
                let (partitions, info) = (try client.list(), try client.hello())
                // What is known of the machine counts no more, on the same line either: it is met as a new one.
                guard looks.isSame(info) else { throw LinkError.closed(path: path) }
                tell(.partitions(partitions))
                (looks.wasSilent, looks.known) = (false, info)
            } catch {
                // A silent machine may answer again on the same line; a closed line does not.
                guard error.isSilence else { throw error }
                tell(.down("\(error)"))
                fail(error)
                if looks.wasSilent { throw error }
                looks.wasSilent = true
            }
            looks.note(.now)
        }
        if try tellEvents(client, .zero) { looks.hasten() }
    }

    /// Tells the events that have come, but not without end: a machine that tells more and more is worked for and looked at all
    /// the same. Returns whether there were any.
    func tellEvents(_ client: ControlClient, _ limit: Duration) throws(LinkError) -> Bool {
        for count in 0..<Self.maxEvents {
            guard let event = try client.nextEvent(timeout: limit) else { return count > 0 }
            var told = event.event
            // Those that were lost on the line, too.
            told.lost = max(told.lost, event.missed)
            tell(.event(told))
        }
        return true
    }

    /// Carries out what waits now, and not what comes meanwhile nor what takes longer than a look may be away: the machine is
    /// looked at in between.
    func work(_ client: ControlClient) {
        wake.clear()
        let end = ContinuousClock.now + LookTimes.period
        for _ in 0..<state.withLock({ $0.jobs.count }) {
            // What is left is done after the look, which is not waited for.
            guard ContinuousClock.now < end else { return wake.ring() }
            guard let silence = state.withLock({ $0.jobs.next() })?(.success(client)) else { continue }
            // Those that wait would wait as long, one after the other.
            tell(.down("\(silence)"))
            return fail(silence)
        }
    }

    /// Fails all that wait, and not what is asked for because they have failed.
    func fail(_ error: LinkError) {
        var jobs = state.withLock { state in
            defer { state.jobs = JobQueue() }
            return state.jobs
        }
        while let job = jobs.next() { _ = job(.failure(error)) }
    }
}
