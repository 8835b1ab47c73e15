import Control
import Manifest
import Platform
import Silicon
import Synchronization

/// What answers managers, on the housekeeping core alone. It reaches the partitions by their notice boards.
struct Housekeeping: ~Copyable {
    private var server = ControlServer()
    private var machine: ManagedMachine
    private let hasLink: Bool

    init(_ builder: borrowing MachineBuilder) {
        machine = ManagedMachine(builder)
        hasLink = builder.manifest.link == .serial && SerialPort.link.isPresent
        if hasLink { SerialPort.link.initialize(interrupts: true) }
    }

    /// Takes what has come over the link, answers, and prints what partitions' instances have to say. Bounded by what
    /// one request can bring.
    mutating func serve() {
        machine.printLogs()
        guard hasLink else { return }
        repeat {
            while server.canReceive, let byte = SerialPort.link.read() { server.receive(byte) }
            server.poll(&machine)
            while let byte = server.nextByte() { SerialPort.link.write(byte) }
        } while !server.isIdle
    }
}

/// The machine as managers see it.
struct ManagedMachine: ControlBackend, ~Copyable {
    private let manifest: Manifest
    private let boards: [8 of UInt64]
    private let apicIDs: [8 of UInt32]
    private let sizes: [8 of UInt64]
    private let facts: MachineInfo
    private let tscKHz: UInt64
    private let entryTSC: UInt64
    private let readTicks: UInt64
    private var nextChange: [8 of UInt64] = .init(repeating: 0)
    private var lost: [8 of UInt64] = .init(repeating: 0)

    init(_ builder: borrowing MachineBuilder) {
        manifest = builder.manifest
        boards = builder.boards
        tscKHz = builder.tscKHz
        entryTSC = builder.entryTSC
        readTicks = builder.readTicks
        var ids: [8 of UInt32] = .init(repeating: 0)
        var sizes: [8 of UInt64] = .init(repeating: 0)
        var info = MachineInfo()
        info.version = Label(stringLiteral: Version.text)
        info.name = builder.manifest.name
        info.cores = builder.tables.processorCount
        info.memory = builder.facts.installedMemory
        info.imageBytes = image_data_end() - image_address()
        info.hypervisorMemory = info.imageBytes + ProgramMemory.bytes + 4096 + builder.blocks[8].size
        for i in 0..<builder.manifest.partitionCount {
            ids[i] = builder.tables.apicIDs[builder.manifest.partitions[i].cores.first]
            sizes[i] = builder.blocks[i].size
            info.hypervisorMemory += sizes[i]
        }
        apicIDs = ids
        self.sizes = sizes
        facts = info
    }

    private func board(_ partition: Int) -> Shared<Board> { Shared<Board>(at: boards[partition]) }
    private func microseconds(_ tsc: UInt64) -> UInt64 { tsc < entryTSC ? 0 : (tsc - entryTSC) * 1000 / max(tscKHz, 1) }

    func machine() -> MachineInfo {
        var info = facts
        var first = UInt64.max
        for i in 0..<partitionCount {
            let entry = board(i).value.firstEntry.load(ordering: .acquiring)
            if entry != 0 { first = min(first, entry) }
        }
        info.startMicroseconds = first == .max ? 0 : microseconds(first - readTicks)
        info.uptimeMicroseconds = clockMicroseconds()
        return info
    }

    var partitionCount: Int { manifest.partitionCount }
    func name(_ partition: Int) -> Label { manifest.partitions[partition].name }
    func permits(_ partition: Int) -> ControlOperations { manifest.partitions[partition].permits }
    func state(_ partition: Int) -> PartitionState { board(partition).value.state }
    func vcpuCount(_ partition: Int) -> Int { manifest.partitions[partition].cores.count }
    func exits(_ partition: Int, vcpu: Int) -> ExitCounters { board(partition).value.exits[vcpu] }
    func clockMicroseconds() -> UInt64 { microseconds(cpu_rdtsc()) }

    func info(_ partition: Int) -> PartitionInfo {
        let spec = manifest.partitions[partition]
        var info = PartitionInfo()
        info.name = spec.name
        info.state = state(partition)
        info.cause = board(partition).value.cause
        info.cores = spec.cores
        info.memory = spec.memorySize
        info.starts = board(partition).value.starts.load(ordering: .relaxed)
        let entry = board(partition).value.latestEntry.load(ordering: .acquiring)
        if info.state == .running || info.state == .paused { info.uptimeMicroseconds = clockMicroseconds() - microseconds(entry) }
        info.hypervisorMemory = sizes[partition]
        info.permits = spec.permits
        info.image = spec.image
        return info
    }

    mutating func readConsole(_ partition: Int, from: UInt64, into buffer: inout MutableSpan<UInt8>) -> ConsoleRange {
        let copied = board(partition).value.consoleOut.copy(from: from, into: &buffer)
        return ConsoleRange(
            position: copied.position, count: copied.count, end: board(partition).value.consoleOut.end)
    }

    mutating func writeConsole(_ partition: Int, _ bytes: borrowing Span<UInt8>) -> Int {
        var count = 0
        while count < bytes.count && board(partition).value.consoleIn.offer(bytes[count]) { count += 1 }
        return count
    }

    mutating func request(_ operation: ControlOperation, _ partition: Int) -> ControlStatus {
        let request: UInt32
        switch operation {
        case .start: request = Request.start
        case .stop: request = Request.stop
        case .pause: request = Request.pause
        case .resume: request = Request.resume
        case .restart: request = Request.restart
        default: return .failed
        }
        let answer = state(partition).answer(to: operation)
        guard answer == .ok else { return answer }
        let taken = board(partition).value.request.compareExchange(
            expected: Request.none, desired: request, ordering: .sequentiallyConsistent)
        guard taken.exchanged else { return .busy }
        LocalAPIC.kick(apicIDs[partition])
        return .ok
    }

    mutating func nextEvent() -> ControlEvent? {
        for i in 0..<partitionCount {
            guard let change = board(i).value.nextChange(&nextChange[i], lost: &lost[i]) else { continue }
            var event = ControlEvent(
                change.isFault ? .fault : .state, partition: name(i), state: change.state, cause: change.cause)
            event.clockMicroseconds = microseconds(change.tsc)
            event.vcpu = change.vcpu
            event.code = change.code
            event.address = change.address
            event.lost = lost[i]
            lost[i] = 0
            return event
        }
        return nil
    }

    /// Puts the lines of the partitions' instances on the machine's log.
    mutating func printLogs() {
        for i in 0..<partitionCount {
            while let byte = board(i).value.log.peek() {
                board(i).value.log.drop()
                SerialPort.log.write(byte)
                if byte == 0x0A { SerialPort.log.write(0x0D) }
            }
        }
    }
}
