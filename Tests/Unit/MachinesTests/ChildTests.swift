import ControlClient
import Foundation
import Synchronization
import Testing

@testable import Machines

@Suite final class ChildTests {
    let folder = FileManager.default.temporaryDirectory.appending(path: "bulkhead-tests-\(UUID().uuidString)")
    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(at: folder) }

    private func child(_ program: String, _ arguments: [String]) throws -> (Child, ConsoleLog) {
        let log = ConsoleLog()
        let child = try Child(program, arguments, errors: folder.appending(path: "errors")) {
            $0.isEmpty ? log.close() : log.append($0)
        }
        return (child, log)
    }

    @Test func outputAndStatusAreSeen() throws {
        let (child, log) = try child("sh", ["-c", "echo out; echo wrong >&2; exit 3"])
        #expect(log.wait(until: Deadline(HostClock(), after: .seconds(20))) { $0 == "out" ? true : nil } != nil)
        while child.status == nil { Thread.sleep(forTimeInterval: 0.01) }
        #expect(child.status == 3 && child.failure == 3)
        #expect(try String(contentsOf: folder.appending(path: "errors"), encoding: .utf8) == "wrong\n")
    }

    @Test func stopEndsAlsoWhatIgnoresThePoliteSignal() throws {
        let (child, log) = try child("sh", ["-c", "trap '' TERM; echo up; while :; do sleep 0.1; done"])
        #expect(log.wait(until: Deadline(HostClock(), after: .seconds(20))) { $0 == "up" ? true : nil } != nil)
        child.stop()
        while child.status == nil { Thread.sleep(forTimeInterval: 0.01) }
        // Who stops it knows why it has ended.
        #expect(child.status == 128 + SIGKILL && child.failure == nil)
        child.stop()
    }

    @Test func aProgramThatDoesNotExistEndsAtOnce() throws {
        let (child, log) = try child("bulkhead-no-such-program", [])
        #expect(log.wait(until: Deadline(HostClock(), after: .seconds(20))) { _ in true } == nil)
        while child.status == nil { Thread.sleep(forTimeInterval: 0.01) }
        #expect(child.status == 127 || child.status == 1)
    }
}
