import Manifest
import Platform
import Remapping
import Silicon
import Text
import X86

/// All remapping units of the machine under one set of tables. Everything is denied from before the firmware ends; what
/// partitions own is added before guests run, and no table changes after that, so that no core needs them mapped.
struct IOMMU: ~Copyable {
    let topology: RemappingTopology
    let format: RemappingFormat
    private let isCoherent: Bool
    /// By which id the first I/O APIC sends interrupts.
    private let ioAPIC: UInt16
    private var tables: RemappingTables?
    private var memory: RemappingMemory?
    /// Units' queues and logs, the log of faults, then the tables.
    private(set) var base: UInt64 = 0
    /// Bytes.
    private(set) var size: UInt64 = 0
    private var owners: [64 of (requester: UInt16, partition: UInt8)] = .init(repeating: (0, 0))
    private var ownerCount = 0

    init(_ topology: RemappingTopology, _ format: RemappingFormat, isCoherent: Bool, ioAPIC: UInt16) {
        self.topology = topology
        self.format = format
        self.isCoherent = isCoherent
        self.ioAPIC = ioAPIC
        tables = nil
    }

    /// Takes all memory that will be needed, and denies everything in it.
    mutating func allocate(_ demand: RemappingDemand, _ firmware: borrowing Firmware) throws(Refusal) {
        let queues = UInt64(topology.unitCount * queueFrames + 1) * FrameArena.frameSize
        size = queues + UInt64(demand.frames(format)) * FrameArena.frameSize
        do throws(FirmwareError) { base = try firmware.allocate(size, .anywhere) } catch {
            throw Refusal(error, "memory for the IOMMU's tables")
        }
        // The range has just been given to us.
        var queueArena = unsafe FrameArena(base: base, size: queues)
        _ = queueArena.take(topology.unitCount * queueFrames + 1)
        do throws(RemappingError) {
            let made = try RemappingTables(
                format, isCoherent: isCoherent, demand,
                arena: unsafe FrameArena(base: base + queues, size: size - queues))
            memory = made.memory
            tables = consume made
        } catch { throw Self.refusal(error) }
    }

    /// Where the log of faults lies: behind the queues.
    var logFrame: UInt64 { base + UInt64(topology.unitCount * queueFrames) * FrameArena.frameSize }
    private var queueFrames: Int { format.kind == .vtd ? 1 : AMDViUnit<UnitRegisters>.bufferFrames }

    private func unit(_ index: Int, _ memory: RemappingMemory) -> MachineUnit {
        let registers = UnitRegisters(base: topology.units[index].registers)
        let queue = base + UInt64(index * queueFrames) * FrameArena.frameSize
        return format.kind == .vtd
            ? .vtd(VTDUnit(registers, memory, queue: queue))
            : .amdVi(AMDViUnit(registers, memory, buffers: queue, flags: topology.units[index].flags))
    }

    /// Puts everything under the tables. When a unit fails all are switched off again.
    func denyAll() throws(Refusal) {
        guard let memory else { return }
        writeBack()
        for i in 0..<topology.unitCount {
            do throws(RemappingError) { try unit(i, memory).enable() } catch {
                undo()
                throw Self.refusal(error)
            }
        }
    }

    /// Leaves DMA and interrupts to the firmware again.
    func undo() {
        guard let memory else { return }
        for i in 0..<topology.unitCount { try? unit(i, memory).disable() }
    }

    /// What partition `partition` may reach, see `RemappingTables`.
    mutating func makeDomain(
        partition: Int, _ runs: borrowing Span<RemappingRun>, apicIDs: [16 of UInt32], vcpuCount: Int
    ) throws(Refusal) -> RemappingDomain {
        do throws(RemappingError) {
            guard
                let domain = try tables?.makeDomain(partition: partition, runs, apicIDs: apicIDs, vcpuCount: vcpuCount)
            else { throw .outOfMemory }
            return domain
        } catch { throw Self.refusal(error) }
    }

    /// Gives a function to a domain, see `RemappingTables`; faults of it and its alias count as the partition's.
    mutating func attach(
        _ requester: UInt16, alias: UInt16?, to domain: RemappingDomain
    ) throws(Refusal) -> InterruptBlock {
        let alias = alias ?? topology.alias(of: requester)
        do throws(RemappingError) {
            guard ownerCount + 2 <= owners.count,
                let block = try tables?.attach(requester, alias: alias, to: domain)
            else { throw .outOfMemory }
            note(requester, domain)
            if let alias { note(alias, domain) }
            return block
        } catch { throw Self.refusal(error) }
    }

    private mutating func note(_ requester: UInt16, _ domain: RemappingDomain) {
        owners[ownerCount] = (requester, UInt8(truncatingIfNeeded: domain.partition))
        ownerCount += 1
    }

    /// Lets the link's interrupt line ring the core with this APIC id; nil when it cannot.
    mutating func routeLink(to apicID: UInt32) -> RedirectionEntry? { tables?.routeNMI(from: ioAPIC, to: apicID) }

    /// Makes the units know what was added.
    func activate() throws(Refusal) {
        guard let memory else { return }
        writeBack()
        for i in 0..<topology.unitCount {
            do throws(RemappingError) { try unit(i, memory).invalidate() } catch { throw Self.refusal(error) }
        }
    }

    /// Makes the log of what the units refuse, for the core that `mapFaults` is for.
    func makeFaultLog(ticksPerSecond: UInt64) -> Pointer<FaultLog>? {
        guard let memory else { return nil }
        let log = Pointer<FaultLog>(at: logFrame)
        log.initialize(to: FaultLog(ticksPerSecond: ticksPerSecond, owners: owners, ownerCount: ownerCount))
        for i in 0..<topology.unitCount { log.value.add(unit(i, memory)) }
        return log
    }

    /// Lets faults ring the core with this APIC id, where the units can reach it; elsewhere they wait for the next request.
    func reportFaults(to apicID: UInt32, _ bus: MachineBus) {
        guard let memory, apicID < 255 || format.kind == .vtd && format.extendedInterrupts else { return }
        let message = InterruptMessage.nmi(to: apicID)
        for i in 0..<topology.unitCount {
            if format.kind == .amdVi { EventMessage.set(message, of: topology.units[i].function, bus) }
            unit(i, memory).report(to: message)
        }
    }

    private func writeBack() {
        if !isCoherent { cpu_write_back(base, size) }
    }

    /// Frames of page tables that `mapFaults` takes at most.
    var faultFrames: Int { topology.unitCount * 6 + 2 }

    /// Maps what the housekeeping core needs to read faults: units' registers and event logs.
    func mapFaults(into table: inout PageTable<LongModeFormat>, _ arena: inout FrameArena) throws(PageTableError) {
        let device = Access.readWrite.with(.uncacheable)
        try table.map(logFrame, to: logFrame, size: 4096, .readWrite, arena: &arena)
        for i in 0..<topology.unitCount {
            let registers = topology.units[i].registers
            let queue = base + UInt64(i * queueFrames) * FrameArena.frameSize
            switch format.kind {
            case .vtd:
                try table.map(registers, to: registers, size: 4096, device, arena: &arena)
                let unit = VTDUnit(UnitRegisters(base: registers), RemappingMemory(), queue: 0)
                // The fault records may lie in a later page.
                let page = registers + UInt64(unit.capabilities.faultOffset) & ~0xFFF
                if page != registers { try table.map(page, to: page, size: 4096, device, arena: &arena) }
            case .amdVi:
                try table.map(registers, to: registers, size: 0x4000, device, arena: &arena)
                let log = AMDViUnit<UnitRegisters>.eventLog(queue)
                try table.map(log, to: log, size: 4096, .read, arena: &arena)
            }
        }
    }

    private static func refusal(_ error: RemappingError) -> Refusal {
        switch error {
        case .noAnswer(let step):
            var line = LogLine("an IOMMU does not answer, step ")
            line.write(decimal: UInt64(step.rawValue))
            return Refusal(line)
        case .outOfMemory: return Refusal("the IOMMU's tables are too small")
        case .tooWide: return Refusal("a partition's memory lies beyond what the IOMMU can address")
        case .unreachableCore:
            return Refusal("a partition with PCI functions has more cores than the IOMMU can interrupt")
        }
    }
}

/// The MSI capability by which an AMD unit announces events (PCI Local Bus 3.0, section 6.8.1).
enum EventMessage {
    static func set(_ message: InterruptMessage, of function: UInt16, _ bus: MachineBus) {
        var at = Int(bus.read(function, 0x34, size: 1) & 0xFC)
        for _ in 0..<48 where at >= 0x40 {
            let header = bus.read(function, at, size: 4)
            guard header & 0xFF == 5 else {
                at = Int(header >> 8 & 0xFC)
                continue
            }
            let isWide = header >> 23 & 1 != 0
            bus.write(function, at + 4, size: 4, UInt32(truncatingIfNeeded: message.address))
            if isWide { bus.write(function, at + 8, size: 4, UInt32(truncatingIfNeeded: message.address >> 32)) }
            bus.write(function, at + (isWide ? 12 : 8), size: 2, message.data)
            // One message, on.
            bus.write(function, at + 2, size: 2, header >> 16 & ~0x70 | 1)
            return
        }
    }
}
