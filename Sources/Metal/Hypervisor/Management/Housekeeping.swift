import Control
import Manifest
import Silicon
import Text

/// What answers managers and prints the log, on the housekeeping core alone. It reaches the partitions by their control pages,
/// and never waits: what its ports do not take now has its turn when they ring.
struct Housekeeping: ~Copyable {
    /// Of the serial link, and of the control partition.
    private var server = ControlServer(), control = ControlServer()
    /// Of the control partition's link, in which something moves: its guest may make this core take more.
    private var turns = Budget(capacity: 64, perSecond: 64)
    /// Which start of the control partition `control` is of.
    private var controlLoads: UInt64 = 0
    private var machine: MachineBackend
    private let hasLink: Bool
    /// The line that the log is taking, and how much of it is there.
    private var line = Text<204>()
    private var written = 0
    let tscKHz: UInt64

    init(_ built: borrowing BuiltMachine, _ program: ProgramMemory, history: UInt64) {
        machine = MachineBackend(built, program, history: history)
        tscKHz = max(built.plan.machine.tscKHz, 1)
        turns.ticksPerSecond = tscKHz * 1000
        hasLink = built.manifest.link == .serial && SerialPort.link.isPresent
        if hasLink {
            SerialPort.link.initialize()
            SerialPort.link.ring(received: true, room: false)
        }
    }

    /// One turn: at most one line or device's fault is looked up and one request or event of each link answered; each port moves as
    /// many bytes as its FIFO holds, and the control partition's link as many as its rings do. Whatever is left rings for the next
    /// turn, before which the core's guest may run.
    mutating func serve(_ core: borrowing CoreState) {
        machine.relayHolds()
        machine.relayWatchdogs(core)
        machine.relayWires()
        machine.stopUnconfined()
        writeLog(core)
        machine.link = 0
        // What was typed for a guest comes this way.
        if hasLink, Self.answer(&server, SerialPort.link, &machine) { clear_stack(core.layout.stackBottom) }
        guard let line = machine.controlLine(), turns.isLeft(now: cpu_rdtsc()) else { return }
        guard line.hasGuest(&controlLoads) else { return endControl(line) }
        machine.link = 1
        guard Self.answer(&control, line, &machine) else { return }
        turns.spend(1)
        clear_stack(core.layout.stackBottom)
    }

    /// What the control partition's guest has asked and was not answered ends with it.
    @inline(never)
    private mutating func endControl(_ line: PartitionLine) {
        line.page.controlIn.removeAll()
        control = ControlServer()
    }

    @inline(never)
    private mutating func writeLog(_ core: borrowing CoreState) {
        if written == line.count {
            let wasWriting = written > 0
            line.removeAll()
            written = 0
            machine.nextLine(&line, core)
            guard line.count > 0 || wasWriting else { return }
        }
        for _ in 0..<SerialPort.log.room where written < line.count {
            SerialPort.log.put(line.bytes[written])
            written += 1
        }
        // Once more behind the last byte: for the line that is next.
        SerialPort.log.ring(received: false, room: line.count > 0)
    }

    /// Whether there was anything to do. A frame of its own on the stack.
    @inline(never)
    private static func answer(
        _ server: inout ControlServer, _ line: some ControlLine, _ machine: inout MachineBackend
    ) -> Bool {
        var hasMoved = false
        for i in 0..<line.burst {
            guard server.canReceive, let byte = line.read() else { break }
            server.receive(byte)
            hasMoved = true
            if i & 63 == 63 { openWindow() }
        }
        if server.serve(&machine) { hasMoved = true }
        for i in 0..<(server.isSending ? line.room : 0) {
            guard let byte = server.nextByte() else { break }
            line.put(byte)
            hasMoved = true
            if i & 63 == 63 { openWindow() }
        }
        // Bytes for which the server has no room stay in the line. Once more behind the last byte: an event may be next.
        line.ring(received: server.canReceive, room: hasMoved || server.isSending, hasMoved: hasMoved)
        return hasMoved
    }
}
