import Control
import Manifest
import Silicon
import Synchronization

/// What answers managers, on the housekeeping core alone. It reaches the partitions by their control pages.
struct Housekeeping: ~Copyable {
    private var server = ControlServer()
    private var machine: MachineBackend
    private let hasLink: Bool

    init(_ built: borrowing BuiltMachine, _ program: ProgramMemory) {
        machine = MachineBackend(built, program)
        hasLink = built.manifest.link == .serial && SerialPort.link.isPresent
        if hasLink { SerialPort.link.initialize(interrupts: true) }
    }

    /// Takes what has come over the link, answers, and prints what partitions' instances have to say. Bounded by what
    /// one request can bring.
    mutating func serve(_ core: borrowing CoreState) {
        machine.printLogs()
        machine.stopUnconfined()
        while let fault = machine.faultLog?.value.readNext() {
            if let partition = machine.firstFault(fault) { core.recordDeviceFault(fault, of: partition) }
        }
        guard hasLink, answer() else { return }
        // What was typed for a guest came this way.
        clear_stack(CoreLayout(base: cpu_gdt_base() & ~0xFFF).stackBottom)
    }

    /// Whether there was anything to do. A frame of its own on the stack.
    @inline(never)
    private mutating func answer() -> Bool {
        var wasBusy = false
        while true {
            while server.canReceive, let byte = SerialPort.link.read() { server.receive(byte) }
            let isBusy = server.serve(&machine)
            while let byte = server.nextByte() { SerialPort.link.write(byte) }
            guard isBusy else { return wasBusy }
            wasBusy = true
        }
    }
}
