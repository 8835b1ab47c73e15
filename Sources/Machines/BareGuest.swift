import Foundation

/// A guest that has the emulated machine for itself, with nothing beneath.
public final class BareGuest: MeasuredGuest {
    private let machine: PeerMachine
    private let console: ConsoleSocket

    /// Switches the machine on. It has as many cores as the guest is to have virtual processors elsewhere.
    public init(_ emulator: Emulator, _ direct: Emulator.DirectKernel, log: URL) throws {
        machine = try PeerMachine(emulator, direct, consoles: ["com1"], log: log)
        console = try machine.console("com1")
    }

    public func type(line: String) throws { try console.type(line: line) }
    public func lines(timeout: Duration) throws -> [String] { try console.lines(timeout: timeout) }
    public func exits() throws -> ExitSample? { nil }
    public func stop() { machine.stop() }
}
