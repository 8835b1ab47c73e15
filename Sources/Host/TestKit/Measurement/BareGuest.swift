import ControlClient
import Foundation
import Machines

/// A guest that has the emulated machine for itself, with nothing beneath.
public final class BareGuest: BareMachine {
    private let machine: PeerMachine
    private let console: ConsoleSocket
    public let counter: Counter?
    public let cores: [Int]

    /// Switches the machine on.
    /// - Parameter cores: as many as the guest is to have virtual processors elsewhere.
    public init(cores: Int, _ direct: Emulator.DirectKernel, counter: Counter?, log: URL) throws {
        var emulator = Emulator()
        (emulator.cores, emulator.memory) = (cores, 128 << 20)
        emulator.extra = counter?.arguments ?? []
        machine = try PeerMachine(emulator, direct, consoles: ["com1"], log: log)
        do { console = try machine.console("com1") } catch {
            machine.stop()
            throw error
        }
        self.counter = counter
        self.cores = Array(0..<cores)
    }

    public func type(line: String) throws { try console.type(line: line) }
    public func lines(timeout: Duration) throws -> [String] { try console.lines(timeout: timeout) }
    public func ownExits() throws -> UInt64? { nil }
    public var clock: any WaitClock { machine.clock }
    public func stop() { machine.stop() }
}
