import ControlClient
import Foundation
import Machines

/// The machine that Bulkhead is compared with: Debian's KVM and QEMU, tuned for real time, in the same emulated machine
/// (`Guests/build-kvm-host`). Virtual machine 0 has one virtual processor, machine 1 two, each pinned to a core. Machines 2 and 3
/// are the ends of a wire (`Guests/build-wire`), on cores 1 and 2; what serves them is on core 3.
public final class KVMHost {
    private let machine: PeerMachine
    private let control: ConsoleSocket
    fileprivate let counter: Counter?

    /// Cores 1 to 3 belong to virtual processors; core 0 does everything else.
    public static let cores = 4
    /// Where vhost and QEMU work for the ends of a wire, and nobody else.
    public static let ioCore = 3
    private static let isolated = "1-3"
    private static let tuning =
        "console=ttyS1 loglevel=2 8250.nr_uarts=3 tsc=reliable nokaslr nosoftlockup nowatchdog skew_tick=1 irqaffinity=0 "
        + "isolcpus=managed_irq,domain,\(isolated) nohz_full=\(isolated) rcu_nocbs=\(isolated)"

    /// Boots it, and waits until it takes commands.
    /// - Parameters:
    ///   - ramDisk: one with the machines that are to be started.
    ///   - guestCommandLine: of the guests' kernels.
    public init(
        _ workspace: Workspace, ramDisk: String = "kvm-host.cpio", guestCommandLine: String, counter: Counter?, log: URL
    ) throws {
        var emulator = Emulator()
        (emulator.cores, emulator.extra, self.counter) = (Self.cores, counter?.arguments ?? [], counter)
        let direct = Emulator.DirectKernel(
            kernel: workspace.guests.appending(path: "vmlinux-host"),
            initrd: workspace.guests.appending(path: ramDisk),
            commandLine: "\(Self.tuning) -- \(guestCommandLine)")
        machine = try PeerMachine(emulator, direct, consoles: ["com1", "com2", "com3"], log: log)
        do {
            control = try machine.console("com2")
            try answer("@host ready", seconds: 120)
        } catch {
            machine.stop()
            throw error
        }
    }

    /// Starts a virtual machine.
    /// - Parameter index: 0 or 1, 2 or 3.
    public func start(_ index: Int) throws -> KVMGuest {
        let console = try machine.console(index % 2 == 0 ? "com1" : "com3")
        try ask("start \(index)", "@host start", seconds: 60)
        return KVMGuest(self, console, index: index)
    }

    public func stop() { machine.stop() }
    fileprivate var clock: ProgressClock { machine.clock }

    @discardableResult
    fileprivate func ask(_ command: String, _ answer: String, seconds: Double = 20) throws -> String {
        try control.type(line: command)
        return try self.answer(answer, seconds: seconds)
    }

    /// The next line that starts so.
    @discardableResult
    private func answer(_ prefix: String, seconds: Double) throws -> String {
        let deadline = Deadline(machine.clock, after: .seconds(seconds))
        var seen: [String] = []
        while !deadline.isOver {
            for line in try control.lines(timeout: .milliseconds(200)) {
                if line.hasPrefix(prefix) { return line }
                seen.append(line)
                if line.hasPrefix("@host error") { throw MachineError.declined(line) }
            }
        }
        throw MachineError.timeout(
            awaited: "'\(prefix)'", seconds: seconds, log: seen.suffix(12).joined(separator: "\n"))
    }
}

/// A virtual machine of KVM's.
public final class KVMGuest: MeasuredGuest {
    private let host: KVMHost
    private let console: ConsoleSocket
    private let index: Int
    public var counter: Counter? { host.counter }
    public var cores: [Int] { [[1], [2, 3], [1], [2]][index] }
    public var clock: any WaitClock { host.clock }

    fileprivate init(_ host: KVMHost, _ console: ConsoleSocket, index: Int) {
        (self.host, self.console, self.index) = (host, console, index)
    }

    public func type(line: String) throws { try console.type(line: line) }
    public func lines(timeout: Duration) throws -> [String] { try console.lines(timeout: timeout) }

    public func ownExits() throws -> UInt64? {
        let line = try host.ask("statistics \(index)", "@host statistics vm=\(index)")
        let field = line.split(separator: " ").first { $0.hasPrefix("exits=") }
        guard let count = field.flatMap({ UInt64($0.dropFirst(6)) }) else { throw MachineError.declined(line) }
        return count
    }
}
