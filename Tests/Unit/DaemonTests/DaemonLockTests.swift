import ControlClient
@testable import Daemon
import Foundation
import Synchronization
import Testing

/// There is one daemon for a folder and one for a database.
@Suite struct DaemonLockTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func configuration(_ name: String, state: String) throws -> DaemonConfiguration {
        for name in [name, state] {
            try FileManager.default.createDirectory(
                atPath: folder.path + "/\(name)", withIntermediateDirectories: true)
        }
        return DaemonConfiguration(
            machine: "memory", folder: folder.path + "/\(name)", state: folder.path + "/\(state)")
    }

    @Test func aDatabaseHasOneDaemon() throws {
        let first = try configuration("a", state: "state"), second = try configuration("b", state: "state")
        let third = try configuration("a", state: "other")
        withExtendedLifetime(try DaemonLocks(first)) {
            #expect(throws: DatabaseInUse(path: first.database)) { _ = try DaemonLocks(second) }
            #expect(throws: LinkError.alreadyServed(path: first.socket)) { _ = try DaemonLocks(third) }
        }
        // Once it has ended others may.
        withExtendedLifetime(try DaemonLocks(second)) {}
    }

    /// Others may write into the folder: what they have put there is not opened.
    @Test func aLinkIsNoLock() throws {
        let configuration = try configuration("a", state: "a"), other = folder.path + "/other"
        try FileManager.default.createSymbolicLink(
            atPath: configuration.socket + ".lock", withDestinationPath: other)
        #expect(throws: LockFailure.self) { _ = try DaemonLocks(configuration) }
        #expect(!FileManager.default.fileExists(atPath: other))
    }

    /// What `body` gives on a thread of its own; nil when it takes half a minute.
    private func inTime<T: Sendable>(_ body: @escaping @Sendable () -> T) -> T? {
        let done = DispatchSemaphore(value: 0), result = Mutex<T?>(nil)
        Thread {
            let found = body()
            result.withLock { $0 = found }
            done.signal()
        }.start()
        _ = done.wait(timeout: .now() + 30)
        return result.withLock { $0 }
    }

    /// A daemon that hangs takes no connections: it is seen without waiting for it.
    @Test func aSocketThatNobodyTakesFromIsServed() throws {
        let path = folder.path + "/full.sock", listener = try UnixSocket.listen(path, backlog: 1)
        defer { close(listener) }
        // One more than may wait is taken (listen(2)).
        let waiting = try (0..<2).map { _ in try ByteStream.open(path) }
        let refusal = inTime { () -> LinkError? in
            do throws(LinkError) {
                _ = try UnixSocket.listen(path)
                return nil
            } catch { return error }
        }
        #expect(refusal == .alreadyServed(path: path))
        withExtendedLifetime(waiting) {}
    }

    /// As many clients may come at once as the daemon says.
    @Test func theBacklogIsAsLongAsItIsAskedFor() throws {
        let path = folder.path + "/long.sock", listener = try UnixSocket.listen(path, backlog: Limits.backlog)
        defer { close(listener) }
        #expect(inTime { (try? (0..<40).map { _ in try ByteStream.open(path) })?.count } == 40)
    }
}
