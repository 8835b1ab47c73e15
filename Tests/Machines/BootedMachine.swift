import Control
import ControlClient
import Foundation
import Machines
import TestKit
import Testing

/// An emulated machine made from one of the tests' manifests, with the consoles of its guests and its events. One thread
/// uses it.
final class BootedMachine {
    let testbed: Testbed
    let client: ControlClient
    private var guests: [String: ScriptedGuest] = [:]
    /// Everything that was told since the machine answered.
    private(set) var events: [ControlEvent] = []

    /// Builds the adversary guests, boots the machine and waits until it answers.
    /// - Parameters:
    ///   - kind: of the machine.
    ///   - file: the manifest itself, where it is not one of the tests' own.
    ///   - images: files to make in the image folder before.
    ///   - imageFolder: where the manifest's images are looked for before.
    ///   - faults: whether the hypervisor is the one with faults to inject.
    ///   - firmware: the name of what stands for firmware, among the images.
    ///   - bootFault: what that hypervisor does to itself while it sets the machine up.
    ///   - iommu: which one the machine has.
    ///   - com1Rate: as of `Emulator`.
    ///   - extra: for the emulator's command line.
    ///   - checksImages: as of `Testbed`.
    init(
        manifest name: String, file: String? = nil, kind: MachineKind = .amd, images: [String: Data] = [:],
        imageFolder: URL? = nil, faults: Bool = false,
        firmware: String? = nil, bootFault: String? = nil, iommu: EmulatedIOMMU? = nil, com1Rate: Int? = nil,
        extra: [String] = [],
        checksImages: Bool = true
    ) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let workspace = Workspace(root: folder.deletingLastPathComponent().deletingLastPathComponent())
        try buildAdversaries(workspace)
        for (name, content) in images {
            let file = workspace.cache.appending(path: "images/\(name)")
            // Written only when it differs: the boot volume is made anew when a file is.
            if (try? Data(contentsOf: file)) != content { try content.write(to: file) }
        }
        var files: [BootVolumeImage.Image] = []
        if let bootFault {
            let file = workspace.cache.appending(path: "images/fault-\(bootFault)")
            try Data(bootFault.utf8).write(to: file)
            files.append(.init(path: "fault", source: file))
        }
        testbed = try Testbed(
            manifest: file ?? folder.appending(path: "Manifests/\(name).yaml").path, workspace, kind: kind,
            name: "test-\(name)\(kind == .amd ? "" : "-\(kind)")\(faults ? "-faults" : "")",
            hypervisor: faults ? workspace.faultyHypervisor : nil,
            firmware: firmware.map { workspace.cache.appending(path: "images/\($0)") }, files: files, iommu: iommu,
            com1Rate: com1Rate, extra: extra,
            images: .search(imageFolder.map { [$0.path] } ?? [], thenCheckout: true), checksImages: checksImages)
        do {
            client = try ControlClient(testbed.machine, path: testbed.socket.path)
            try client.subscribe()
        } catch {
            testbed.stop()
            throw error
        }
    }

    func guest(_ name: String) -> ScriptedGuest {
        if let guest = guests[name] { return guest }
        let guest = ScriptedGuest(name, client, on: testbed.machine)
        guests[name] = guest
        return guest
    }

    /// What the management link says of a partition.
    func info(_ partition: String) throws -> PartitionInfo {
        guard let info = try client.list().first(where: { $0.name.string == partition }) else {
            throw AdversaryError("no partition \(partition)")
        }
        return info
    }

    /// Waits until what is said of a partition is so.
    @discardableResult
    func wait(
        _ partition: String, seconds: Double = 30, until isSo: (PartitionInfo) throws -> Bool
    ) throws -> PartitionInfo {
        let deadline = testbed.machine.deadline(seconds: seconds)
        while true {
            let now = try info(partition)
            if try isSo(now) { return now }
            guard !deadline.isOver else {
                throw AdversaryError("\(partition) stays \(now.state.name), \(now.cause.name), start \(now.starts)")
            }
            Thread.sleep(forTimeInterval: 0.02)
        }
    }

    /// Does something after which a Linux guest starts, and waits until its user space says so.
    func starting(_ partition: String, seconds: Double = 90, _ body: () throws -> Void) throws {
        let guest = guest(partition)
        try guest.exchange()
        let first = guest.lines.count
        try body()
        try guest.wait(for: "@bulkhead ready ", from: first, seconds: seconds)
    }

    /// Asks a Linux guest for the number that follows `key` in a line of its answer.
    func ask(_ partition: String, _ command: String, _ answer: String, _ key: String) throws -> Int {
        let guest = guest(partition)
        try guest.exchange()
        let first = guest.lines.count
        guest.type(line: command)
        let line = try guest.wait(for: "@bulkhead \(answer) ", from: first, seconds: 30)
        let word = line.split(separator: " ").first { $0.hasPrefix(key + "=") }
        guard let number = word.flatMap({ Int($0.dropFirst(key.count + 1)) }) else {
            throw AdversaryError("no \(key): \(line)")
        }
        return number
    }

    /// The guest's monotonic clock, milliseconds.
    func clock(_ partition: String) throws -> Int { try ask(partition, "clock", "clock", "ms") }

    func exits(_ partition: String) throws -> UInt64 {
        try client.statistics(partition).vcpus.reduce(0) { $0 + $1.total }
    }

    /// Fetches the events that have come; those of a partition from index `start` on. Missed ones are an error.
    func events(of partition: String, from start: Int) throws -> [ControlEvent] {
        // An event that was under way when the last answer came is here when the next one is.
        _ = try client.hello()
        while let next = try client.nextEvent(timeout: .milliseconds(200)) {
            guard next.missed == 0 else { throw AdversaryError("\(next.missed) events missed") }
            events.append(next.event)
        }
        return events.dropFirst(start).filter { $0.partition.string == partition }
    }

    /// A warm reset, upon which the next boot says what it has found.
    /// - Parameter record: how its line begins.
    func expectRecord(_ record: String) throws {
        let protocolClient = try MachineProtocol(testbed.machine), first = testbed.machine.console.lines.count
        // Another reset ends these machines.
        try protocolClient.execute("set-action", ["reboot": "reset"])
        try protocolClient.execute("system_reset")
        try testbed.machine.wait(for: "bulkhead: crash record found: \(record)", from: first, seconds: 60)
    }

    /// Why a request was refused; nil when it was not.
    func refusal(of operation: ControlOperation, _ partition: String) throws -> ControlStatus? {
        do throws(LinkError) {
            try client.change(operation, partition)
            return nil
        } catch {
            guard case .refused(let status, _, _) = error else { throw error }
            return status
        }
    }
}

extension PartitionInfo {
    /// The name as a `String`.
    var title: String { name.string }
}

/// Builds the guests of Tests/Guests.
func buildAdversaries(_ workspace: Workspace) throws {
    let build = Process()
    build.executableURL = workspace.root.appending(path: "Tests/Guests/build")
    try build.run()
    build.waitUntilExit()
    guard build.terminationStatus == 0 else { throw AdversaryError("Tests/Guests/build failed") }
}

/// Stops the machine that a suite's tests share when the last of them is done: it would take the host's processors from
/// the suites that follow.
struct StopsMachines: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        defer {
            // Else all that tests say is that a machine has hung up.
            for failure in Machine.failures { Issue.record("an emulator has failed, \(failure)") }
            Machine.stopAll()
        }
        try await function()
    }
}

extension Trait where Self == StopsMachines {
    static var stopsMachines: Self { Self() }
}
