import ControlClient
import Foundation
import Machines

/// Two guests of `Guests/wire` at the ends of a channel: in partitions, or under KVM. Used by one thread.
public final class ChannelPair {
    private let sender: any MeasuredGuest
    private let receiver: any MeasuredGuest
    private let ioCore: Int?

    /// - Parameter ioCore: where vhost and QEMU work, if they do.
    public init(sender: any MeasuredGuest, receiver: any MeasuredGuest, ioCore: Int?) {
        (self.sender, self.receiver, self.ioCore) = (sender, receiver, ioCore)
    }

    /// Waits until both run and the first has heard the second.
    /// - Returns: what was seen of the first.
    /// - Throws: `MachineError`, `LinkError`.
    public func join() throws -> GuestStart {
        let start = try sender.waitUntilReady(seconds: 300)
        _ = try receiver.waitUntilReady(seconds: 300)
        try ask(receiver, "join 2", seconds: 120) { $0.contains("@bulkhead joined end=2") ? true : nil }
        try ask(sender, "join 1", seconds: 180) { $0.contains("@bulkhead joined end=1") ? true : nil }
        return start
    }

    /// Has the first end do something, and counts where there is a counter.
    /// - Throws: `MachineError.declined` when the guest could not do it.
    public func window(_ command: String, seconds: Double = 240) throws -> ChannelWindow {
        let answer = try ask(sender, command, seconds: seconds) { ChannelAnswer($0) }
        guard let counter = sender.counter else { return ChannelWindow(answer: answer, ends: []) }
        return ChannelWindow(
            answer: answer,
            ends: try [sender, receiver].map { try counter.lastWindow(cores: $0.cores) },
            io: try ioCore.map { try counter.lastWindow(cores: [$0]) })
    }

    /// Holds the counter against the hypervisor's own counters, of all exits since the guests were started.
    /// - Throws: `MachineError.miscounted` where they do not agree.
    public func requireAgreement() throws {
        for guest in [sender, receiver] {
            guard let counter = guest.counter else { continue }
            // The guest goes on meanwhile, looking at its console.
            let before = try counter.sinceStart(cores: guest.cores).exitCount
            guard let own = try guest.ownExits() else { continue }
            let after = try counter.sinceStart(cores: guest.cores).exitCount
            guard (before...max(before, after)).contains(own) else {
                throw MachineError.miscounted(
                    "core \(guest.cores): the counter has \(before) to \(after) exits, the hypervisor \(own)")
            }
        }
    }

    @discardableResult
    private func ask<T>(
        _ guest: any MeasuredGuest, _ command: String, seconds: Double, _ match: (String) -> T?
    ) throws -> T {
        try guest.type(line: command)
        let deadline = Deadline(guest.clock, after: .seconds(seconds))
        var seen: [String] = []
        while !deadline.isOver {
            for line in try guest.lines(timeout: .milliseconds(200)) {
                if let value = match(line) { return value }
                seen.append(line)
                if line.contains("@bulkhead error") { throw MachineError.declined(line) }
            }
        }
        throw MachineError.timeout(
            awaited: "answer to '\(command)'", seconds: seconds, log: seen.suffix(12).joined(separator: "\n"))
    }
}
