import Control
import ControlClient
import Machines

/// The guests of `Tests/Guests/wires` on their machine: what they say in lines that begin with `@wires`.
struct WireGuests {
    /// Of one phase.
    struct Sent {
        var frames: UInt64
        var received: UInt64
    }
    private let testbed: Testbed

    init(_ testbed: Testbed) { self.testbed = testbed }

    func guest(_ name: String) throws(MachineError) -> PartitionWatch {
        guard let guest = testbed.watch.partitions.first(where: { $0.name == name }) else {
            throw .miscounted("the manifest has no partition \(name)")
        }
        return guest
    }

    func start(_ name: String) throws {
        try ControlClient(testbed.machine, path: testbed.socket.path).change(.start, name)
    }

    /// Waits for a guest's line with this word, or for one that says what is wrong.
    @discardableResult
    func wait(_ name: String, for word: String, seconds: Double) throws -> GuestReport {
        let guest = try guest(name)
        var said: String?
        _ = try testbed.refresh(seconds: seconds) { _ in
            said = guest.console?.lines.first {
                ["@wires \(word)", "@wires error", "@wires exception"].contains(where: $0.hasPrefix)
            }
            return said != nil
        }
        guard let said, said.hasPrefix("@wires \(word)") else {
            let last = guest.console?.lines.suffix(5).joined(separator: "; ") ?? ""
            throw MachineError.miscounted("\(name) does not say \"\(word)\"; it said: \(said ?? last)")
        }
        return GuestReport(said)
    }

    /// By phase, what the sender has sent and the receiver has counted.
    func sent() throws(MachineError) -> [Int: Sent] {
        let lines = try guest("sender").console?.lines ?? []
        return lines.filter { $0.hasPrefix("@wires sent ") }.map(GuestReport.init).reduce(into: [:]) { all, line in
            all[Int(line.count("phase"))] = Sent(frames: line.count("frames"), received: line.count("received"))
        }
    }

    /// The one core that each has.
    func cores() throws(MachineError) -> [String: Int] {
        var cores: [String: Int] = [:]
        for guest in testbed.watch.partitions {
            cores[guest.name] = (0..<64).first { guest.info.cores.contains(.init(core: $0)) }
        }
        return cores
    }
}
