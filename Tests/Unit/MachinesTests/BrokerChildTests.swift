import ControlClient
import Foundation
import Testing

@testable import Machines

/// A process with two machines starts the second one's emulator while the first one's broker is there.
@Suite struct BrokerChildTests {
    @Test func aBrokerEndsBeforeAProgramThatWasStartedAfterIt() throws {
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
        defer { close(ends[1]) }
        try PrivateFolder.with { folder in
            let broker = try LinkBroker(
                descriptor: ends[0], machine: "machine", path: folder.appending(path: "link.sock").path)
            // It ends by itself, and says so before: who waits for it is late, and not lost.
            let end = folder.appending(path: "end")
            let child = try Child(
                "sh", ["-c", "sleep 30; : > \(end.path)"], errors: folder.appending(path: "errors")
            ) { _ in }
            defer { child.stop() }
            broker.stop()
            #expect(!FileManager.default.fileExists(atPath: end.path))
        }
    }
}
