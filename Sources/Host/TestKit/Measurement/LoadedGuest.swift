import ControlClient
import Foundation
import Machines

/// A guest on a machine of its own, with nothing beneath it.
protocol BareMachine: MeasuredGuest {
    func stop()
}

/// One on a machine whose emulator loads no kernel: a loader on the boot volume enters it (Tests/Guests/firmware/direct.c).
final class LoadedGuest: BareMachine {
    private let machine: Machine
    private let console: ConsoleSocket
    let counter: Counter? = nil
    let cores: [Int]

    /// Switches the machine on.
    init(cores: Int, _ kind: MachineKind, _ direct: Emulator.DirectKernel, log: URL) throws {
        var emulator = Emulator(kind)
        (emulator.cores, emulator.memory) = (cores, 128 << 20)
        machine = try Machine(bare: emulator, direct, log: log)
        do { console = try ConsoleSocket(machine.link, machine.clock) } catch {
            machine.stop()
            throw error
        }
        self.cores = Array(0..<cores)
    }

    func type(line: String) throws { try console.type(line: line) }
    func lines(timeout: Duration) throws -> [String] { try console.lines(timeout: timeout) }
    func ownExits() throws -> UInt64? { nil }
    var clock: any WaitClock { machine.clock }
    func stop() { machine.stop() }
}
