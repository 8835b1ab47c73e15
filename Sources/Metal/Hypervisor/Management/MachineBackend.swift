import Control
import Manifest
import Platform
import Remapping
import Resources
import Silicon
import Synchronization
import Text
import X86

/// One partition as managers see it.
private struct ManagedPartition {
    /// What does not change while the machine runs.
    var info = PartitionInfo()
    var controlPage = Pointer<ControlPage>(at: 0)
    /// The cores of the boot vCPU and of the one behind it.
    var apicID: UInt32 = 0, nextID: UInt32 = 0
    /// The first one's.
    var silence = Silence()
    /// The partitions, a bit for each, that own virtual functions of this one's.
    var dependents: UInt8 = 0
    /// Whether its guest is told of what comes, and does not poll.
    var hasVirtioConsole = false
    /// The channels that it has an end of, a bit for each, and the function of the first.
    var channels: UInt8 = 0, firstWire = 0
    /// Whether this core can count what the partition's move: all share one last-level cache.
    var isCounted = true
    /// By link.
    var nextEvent = [2 of UInt64](repeating: 0)
    /// The start that the latest device fault on record is of, counted from 1.
    var faultedStart: UInt64 = 0
    /// What its `hold` wants, and since when.
    var wants: (number: UInt32, since: UInt64) = (0, 0)
}

/// The machine as managers see it.
struct MachineBackend: ControlBackend, ~Copyable {
    private var partitions: [8 of ManagedPartition] = .init(repeating: ManagedPartition())
    private var facts = MachineInfo()
    /// The control partition, and which link asks: 0 the serial one, 1 that partition's.
    private var controller: Int?
    var link = 0
    /// TSC when `relayWires` did so last.
    private var relayed: UInt64 = 0
    private var channelNames = [7 of Label](repeating: Label())
    private var found: InventoryList
    private let tscKHz: UInt64
    private let entryTSC: UInt64
    private let readTicks: UInt64
    let partitionCount: Int
    private let faultLog: Pointer<FaultLog>?
    private let resources: ResourceCapabilities
    private var lineTurns: LineTurns
    /// What was said since the machine was switched on, the oldest of it overwritten.
    private let history: ByteRing
    static let historyFrames = 5
    /// Whose event was looked for last; `partitionCount` for devices' faults.
    private var eventTurn = [2 of Int](repeating: 0)
    /// A type with an atomic in it has an address: without one, every call would copy the whole machine to the stack.
    private let pin = Atomic<Bool>(false)

    /// - Parameter frames: `historyFrames`, cleared.
    init(_ built: borrowing BuiltMachine, _ program: ProgramMemory, history frames: UInt64) {
        history = unsafe ByteRing(at: frames, capacity: 16384)
        unsafe history.push(BootLog.text)
        found = InventoryList(built)
        tscKHz = max(built.plan.machine.tscKHz, 1)
        entryTSC = built.plan.machine.entryTSC
        readTicks = built.plan.readTicks
        partitionCount = built.manifest.partitionCount
        lineTurns = LineTurns(partitionCount: partitionCount, ticksPerSecond: tscKHz * 1000)
        faultLog = built.interrupts.faultLog
        resources = built.plan.machine.facts.resources ?? ResourceCapabilities()
        facts.version = Label(stringLiteral: Version.text)
        facts.name = built.manifest.name
        facts.trust = built.plan.machine.facts.trust
        facts.cores = built.tables.processorCount
        facts.memory = built.plan.machine.facts.installedMemory
        facts.imageBytes = image_data_end() - image_address()
        facts.hypervisorMemory = program.size + built.plan.blocks[8].size
        for i in 0..<partitionCount {
            partitions[i].info.name = built.manifest.partitions[i].name
            partitions[i].info.image = built.manifest.partitions[i].image
            partitions[i].info.permits = built.manifest.partitions[i].permits
            let virtio = built.manifest.partitions[i].virtio
            partitions[i].hasVirtioConsole = virtio.contains(.console)
            partitions[i].firstWire = (virtio.contains(.console) ? 1 : 0) + (virtio.contains(.control) ? 1 : 0)
            if virtio.contains(.control) { controller = i }
            partitions[i].info.cores = built.manifest.partitions[i].cores
            let caches = built.plan.machine.facts.lastLevelCaches, cores = partitions[i].info.cores
            for core in 0..<64
            where cores.contains(CoreSet(core: core)) && caches[core] != caches[built.manifest.housekeeping] {
                partitions[i].isCounted = false
            }
            partitions[i].info.memory = built.manifest.partitions[i].memorySize
            partitions[i].controlPage = Pointer<ControlPage>(at: built.controlPages[i])
            partitions[i].dependents = built.plan.dependents(of: i)
            partitions[i].apicID = built.tables.apicIDs[cores.first]
            let others = CoreSet(rawValue: cores.rawValue & (cores.rawValue - 1))
            partitions[i].nextID = others.isEmpty ? partitions[i].apicID : built.tables.apicIDs[others.first]
            partitions[i].info.encryption =
                switch built.manifest.memoryKey(of: i, on: built.plan.machine.facts) {
                case .none: .none
                case .machine: .machineKey
                case .own: .ownKey
                }
            partitions[i].info.hypervisorMemory = built.plan.blocks[i].size
            facts.hypervisorMemory += built.plan.blocks[i].size
        }
        for n in 0..<built.manifest.channelCount {
            channelNames[n] = built.manifest.channels[n].name
            facts.hypervisorMemory += WireHalf.size * 2
            for end in 0..<2 { partitions[built.manifest.channels[n].ends[end].partition].channels |= 1 << UInt8(n) }
        }
    }

    private mutating func microseconds(_ tsc: UInt64) -> UInt64 {
        let ticks = tsc < entryTSC ? 0 : tsc - entryTSC
        return ticks / tscKHz * 1000 + ticks % tscKHz * 1000 / tscKHz
    }

    mutating func machine() -> MachineInfo {
        var info = facts
        var first = UInt64.max
        for i in 0..<partitionCount {
            let entry = partitions[i].controlPage.value.firstEntry.load(ordering: .acquiring)
            if entry != 0 { first = min(first, entry) }
        }
        // Beside the time that the firmware took to read the images.
        info.startMicroseconds = first == .max ? 0 : microseconds(first &- readTicks)
        info.uptimeMicroseconds = clockMicroseconds()
        return info
    }

    var inventoryCount: Int { mutating get { found.count } }
    mutating func inventory(_ index: Int) -> InventoryItem { found.item(index) }
    mutating func exits(_ partition: Int, vcpu: Int) -> ExitCounters {
        partitions[partition].controlPage.value.exits(of: vcpu)
    }
    mutating func traffic(_ partition: Int) -> TrafficCounters {
        guard partitions[partition].isCounted else { return TrafficCounters() }
        return TrafficCounters(
            monitor: UInt32(truncatingIfNeeded: partition &+ 1), resources, read: { cpu_rdmsr($0) },
            write: { cpu_wrmsr($0, $1) })
    }
    mutating func channelCount(_ partition: Int) -> Int { partitions[partition].channels.nonzeroBitCount }
    mutating func channel(_ partition: Int, _ index: Int) -> ChannelCounters {
        var left = partitions[partition].channels
        for _ in 0..<index { left &= left &- 1 }
        let shown = partitions[partition].controlPage.value.wires[partitions[partition].firstWire + index]
        var counters = ChannelCounters()
        counters.name = channelNames[left.trailingZeroBitCount]
        (counters.link, counters.frames, counters.bytes) = (shown.link, shown.frames, shown.bytes)
        (counters.dropped, counters.kicks) = (shown.dropped, shown.kicks)
        return counters
    }
    mutating func clockMicroseconds() -> UInt64 { microseconds(cpu_rdtsc()) }

    mutating func info(_ partition: Int) -> PartitionInfo {
        let controlPage = partitions[partition].controlPage
        var info = partitions[partition].info
        info.state = controlPage.value.state
        info.cause = controlPage.value.cause
        info.starts = controlPage.value.starts.load(ordering: .relaxed)
        info.kicks = controlPage.value.kicks.load(ordering: .relaxed)
        info.watch = controlPage.value.watch.load(ordering: .relaxed)
        let due = controlPage.value.startDue.load(ordering: .relaxed), now = cpu_rdtsc()
        if info.state == .starting, due > now { info.startsInMicroseconds = microseconds(due) - microseconds(now) }
        if info.state == .running || info.state == .paused {
            let entry = microseconds(controlPage.value.latestEntry.load(ordering: .acquiring))
            info.uptimeMicroseconds = max(microseconds(now), entry) - entry
        }
        return info
    }

    mutating func takeProtection(_ partition: Int, vcpu: Int) -> UInt64 {
        partitions[partition].controlPage.value.protection[vcpu].exchange(0, ordering: .acquiringAndReleasing)
    }
    mutating func beginSelfCheck(_ partition: Int) -> UInt64 {
        LocalAPIC.kick(partitions[partition].apicID)
        var report = CoreState.own?.value.checkProcessor() ?? ProtectionReport()
        if let faultLog { report.check(.remapping, faultLog.value.hasBrokenUnit() ? 1 : 0, is: 0) }
        return report.word
    }

    mutating func readConsole(_ partition: Int, from: UInt64, into buffer: inout MutableSpan<UInt8>) -> ConsoleRange {
        let ring = partitions[partition].controlPage.consoleOut
        let range = ring.copy(from: from, into: &buffer)
        ring.note(read: range.position + UInt64(range.count))
        return range
    }

    /// Not for the control partition: others' faults are told of there.
    func readLog(from: UInt64, into buffer: inout MutableSpan<UInt8>) -> ConsoleRange? {
        link == 0 ? history.copy(from: from, into: &buffer) : nil
    }

    mutating func writeConsole(_ partition: Int, _ bytes: borrowing Span<UInt8>) -> Int {
        var count = 0
        while count < bytes.count, partitions[partition].controlPage.consoleIn.offer(bytes[count]) { count += 1 }
        if count > 0, partitions[partition].hasVirtioConsole { LocalAPIC.kick(partitions[partition].apicID) }
        return count
    }

    /// The control partition's end of the management link.
    mutating func controlLine() -> PartitionLine? {
        controller.map { PartitionLine(page: partitions[$0].controlPage, apicID: partitions[$0].apicID) }
    }

    mutating func request(_ operation: ControlOperation, _ partition: Int) -> ControlStatus {
        guard partitions[partition].controlPage.value.lacksBootCore == 0 else { return .failed }
        guard partitions[partition].controlPage.value.ask(operation) else { return .busy }
        LocalAPIC.kick(partitions[partition].apicID)
        return .ok
    }

    mutating func nextEvent() -> ControlEvent? {
        // Each in turn, devices' faults too: who has many does not hold up the others'.
        for _ in 0...partitionCount {
            let turn = eventTurn[link] < partitionCount ? eventTurn[link] + 1 : 0
            eventTurn[link] = turn
            guard turn < partitionCount else {
                if let refusal = faultLog?.value.pending.takeFirst() { return event(refusal.fault, lost: refusal.lost) }
                continue
            }
            let controlPage = partitions[turn].controlPage
            guard let stamped = controlPage.value.nextEvent(&partitions[turn].nextEvent[link]) else { continue }
            var event = stamped.event
            event.partition = partitions[turn].info.name
            event.clockMicroseconds = microseconds(stamped.tsc)
            // Where a neighbour's code lies is not for every guest to know.
            if link == 1, !partitions[turn].info.permits.contains(.statistics) { event.address = 0 }
            return event
        }
        return nil
    }

    /// Makes the owners of virtual functions stand still while their physical functions are reset: see `FunctionHold`. Who
    /// stands still is looked up first: one that was made to may want to reset as well, and says so before it stands.
    mutating func relayHolds() {
        var wanted: UInt8 = 0, held: UInt8 = 0
        var wants = InlineArray<8, UInt32>(repeating: 0)
        for i in 0..<partitionCount {
            // Without the boot vCPU's core no guest ever runs.
            let page = partitions[i].controlPage
            if page.value.hold.isHeld || page.value.lacksBootCore != 0 { held |= 1 << UInt8(i) }
        }
        let now = cpu_rdtsc()
        for i in 0..<partitionCount {
            wants[i] = partitions[i].controlPage.value.hold.wants
            if wants[i] != partitions[i].wants.number { partitions[i].wants = (wants[i], now) }
            guard wants[i] & 1 != 0 else { continue }
            if now &- partitions[i].wants.since < FunctionHold.limit * 1000 * tscKHz {
                wanted |= partitions[i].dependents
            } else {
                // Odd numbers alone are waited for: whoever is late is not let in beside those that go on, nor just before.
                wants[i] = 0
                partitions[i].controlPage.value.hold.grant(0)
            }
        }
        for i in 0..<partitionCount
        where partitions[i].controlPage.value.hold.set(wanted >> UInt8(i) & 1 != 0) {
            LocalAPIC.kick(partitions[i].apicID)
        }
        for i in 0..<partitionCount where partitions[i].dependents & ~held == 0 {
            partitions[i].controlPage.value.hold.grant(wants[i])
        }
    }

    /// Wakes whoever has to end a guest that has not kicked its watchdog in time, and gives up the core of a boot vCPU that is
    /// silent for ten seconds: what it was asked for goes, so that managers may ask again, and the vCPU behind stops the others.
    mutating func relayWatchdogs(_ core: borrowing CoreState) {
        for i in 0..<partitionCount {
            let page = partitions[i].controlPage, life = page.value.life.load(ordering: .relaxed)
            if page.value.isOverdue { LocalAPIC.kick(partitions[i].apicID) }
            guard
                partitions[i].silence.isOver(
                    tscKHz * 10_000, life: life, isWanted: page.value.isWanted, now: cpu_rdtsc())
            else { continue }
            page.value.takeRequest()
            page.value.enter(.crashed, .coreLost)
            page.print(LogLine(partition: partitions[i].info.name, ": the core of vCPU 0 does not answer"))
            core.record(nil, of: partitions[i].info.name)
            LocalAPIC.kick(partitions[i].nextID)
        }
    }

    /// Kicks the partitions to which others' wires owe it, 50 times a second: whoever makes this core take more turns than that has
    /// nobody kicked more often.
    mutating func relayWires() {
        guard cpu_rdtsc() &- relayed >= tscKHz * 20 else { return }
        relayed = cpu_rdtsc()
        var owed: UInt32 = 0
        for i in 0..<partitionCount { owed |= partitions[i].controlPage.value.takeOwed() }
        for i in 0..<partitionCount
        where owed >> UInt32(i) & 1 != 0 && partitions[i].controlPage.value.lacksBootCore == 0 {
            LocalAPIC.kick(partitions[i].apicID)
        }
    }

    /// Looks for the next line of the machine's log: what a device was refused, or what a partition's instances say. While a partition
    /// has spent its budget, of what it says the oldest goes.
    mutating func nextLine(_ line: inout Text<204>, _ core: borrowing CoreState) {
        var turns = lineTurns
        turns.next(now: cpu_rdtsc()) {
            if $0 == partitionCount { readFault(&line, core) } else { Self.read(partitions[$0].controlPage.log, &line) }
            return line.count
        }
        for i in 0..<line.count where line.bytes[i] != 0x0D { history.push(line.bytes[i]) }
        lineTurns = turns
    }

    private static func read(_ log: ByteRing, _ line: inout Text<204>) {
        while line.count < 202, let byte = log.peek() {
            log.removeFirst()
            if byte == 0x0A { break }
            line.append(byte >= 0x20 && byte < 0x7F ? byte : 0x3F)
        }
        if line.isEmpty { return }
        line.append(0x0D)
        line.append(0x0A)
    }

    private mutating func readFault(_ line: inout Text<204>, _ core: borrowing CoreState) {
        guard let fault = faultLog?.value.readNext(&line) else { return }
        if let partition = firstFault(fault) { core.record(fault, of: partition) }
    }

    /// Stops the partitions that own functions, whose resets end their DMA, where nothing confines it any more.
    mutating func stopUnconfined() {
        guard let faultLog, faultLog.value.hasBrokenUnit() else { return }
        for i in 0..<faultLog.value.owners.count {
            let owner = Int(faultLog.value.owners[i].partition), state = partitions[owner].controlPage.value.state
            if state != .stopped, state != .crashed { _ = request(.stop, owner) }
        }
    }

    /// The name of the partition whose function this is; nil when nobody's, or when the partition's start had one before.
    private mutating func firstFault(_ fault: DeviceFault) -> Label? {
        guard let owner = faultLog?.value.owner(of: fault.requester) else { return nil }
        let start = partitions[owner].controlPage.value.loads.load(ordering: .relaxed)
        guard partitions[owner].faultedStart != start else { return nil }
        partitions[owner].faultedStart = start
        return partitions[owner].info.name
    }

    private mutating func event(_ fault: DeviceFault, lost: UInt64) -> ControlEvent {
        var event = ControlEvent(.device)
        if let owner = faultLog?.value.owner(of: fault.requester) {
            event.partition = partitions[owner].info.name
            event.state = partitions[owner].controlPage.value.state
        }
        event.clockMicroseconds = clockMicroseconds()
        event.code = fault.code
        event.address = fault.address
        event.lost = lost
        return event
    }
}
