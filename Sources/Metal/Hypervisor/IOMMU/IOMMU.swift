import PCI
import Remapping
import Silicon
import Text
import X86

/// All remapping units of the machine under one set of tables. Everything is denied from before the firmware ends; what
/// partitions own is added before guests run, and no table changes after that, so that no core needs them mapped.
struct IOMMU: ~Copyable {
    let vendor: RemappingVendor
    private(set) var topology: RemappingTopology
    /// What all units can do.
    let features: RemappingFeatures
    /// By which id the first I/O APIC sends interrupts; nil where these are not held.
    private let ioAPIC: UInt16?
    private var memory: RemappingMemory?
    /// Units' queues and logs, the log of faults, then the tables.
    private(set) var base: UInt64 = 0
    /// Bytes.
    private(set) var size: UInt64 = 0
    private var owners = FaultLog.Owners(unused: (0, 0))

    init(_ vendor: RemappingVendor, _ topology: RemappingTopology, _ features: RemappingFeatures, ioAPIC: UInt16?) {
        (self.vendor, self.topology, self.features, self.ioAPIC) = (vendor, topology, features, ioAPIC)
    }

    /// Takes all memory that will be needed.
    mutating func allocate(_ demand: RemappingDemand, _ firmware: borrowing Firmware) throws(Refusal) {
        let bufferFrames = topology.units.count * features.bufferFrames + 1
        let buffers = UInt64(bufferFrames) * FrameArena.frameSize
        size = buffers + UInt64(demand.frames(features)) * FrameArena.frameSize
        base = try firmware.allocate(size, .anywhere, for: "memory for the IOMMU's tables")
        for i in 0..<topology.units.count {
            topology.units[i].buffers = base + UInt64(i * features.bufferFrames) * FrameArena.frameSize
            // Until the log of faults takes the frame.
            topology.units[i].saved = logFrame + UInt64(i) * 128
        }
        // The range has just been given to us.
        var bufferArena = unsafe FrameArena(base: base, size: buffers)
        _ = bufferArena.take(bufferFrames)
    }

    /// Denies everything, in the memory that was taken.
    mutating func makeTables<Hardware: RemappingHardware>(
        _: Hardware.Type, _ demand: RemappingDemand
    ) throws(RemappingError) -> RemappingTables {
        let start = logFrame + FrameArena.frameSize
        let arena = unsafe FrameArena(base: start, size: base + size - start)
        let tables = try RemappingTables(Hardware.self, features, demand, arena: arena)
        memory = tables.memory
        return tables
    }

    /// Where the log of faults lies: behind the units' buffers.
    var logFrame: UInt64 { base + UInt64(topology.units.count * features.bufferFrames) * FrameArena.frameSize }

    /// Puts everything under the tables, which deny it, while the firmware runs. When a unit fails, all are again what
    /// firmware made of them.
    func enable() throws(Refusal) {
        try perform(.save)
        do throws(Refusal) { try perform(.enable) } catch {
            restore()
            throw error
        }
    }

    /// Leaves DMA and interrupts to the firmware again.
    func restore() {
        guard let memory else { return }
        for i in 0..<topology.units.count { try? vendor.perform(.restore, topology.units[i], memory) }
    }

    /// Tells all units, which may look at the tables then.
    func perform(_ command: UnitCommand) throws(Refusal) {
        guard let memory else { throw Refusal("the IOMMU has no tables") }
        if !features.isCoherent { cpu_write_back(base, size) }
        for i in 0..<topology.units.count {
            do throws(RemappingError) { try vendor.perform(command, topology.units[i], memory) } catch {
                throw Self.refusal(error, unit: topology.units[i].registers)
            }
        }
    }

    /// Gives a function to a domain, see `RemappingHardware`; faults of it and of the ids that it passes for count as the
    /// partition's.
    /// - Parameter alias: a bridge's; firmware may name another one.
    mutating func attach<Hardware: RemappingHardware>(
        _: Hardware.Type, _ requester: UInt16, alias: UInt16?, to domain: RemappingDomain,
        in tables: inout RemappingTables
    ) throws(RemappingError) -> InterruptBlock {
        let named = topology.alias(of: requester)
        try note(requester, domain)
        if let alias { try note(alias, domain) }
        if let named { try note(named, domain) }
        let block = try Hardware.attach(requester, alias: alias ?? named, to: domain, in: &tables)
        // On AMD alone: there all of a domain's functions have the same interrupts.
        if let named { _ = try Hardware.attach(requester, alias: named, to: domain, in: &tables) }
        return block
    }

    private mutating func note(_ requester: UInt16, _ domain: RemappingDomain) throws(RemappingError) {
        guard !topology.isReserved(requester) else { throw .otherDomain }
        guard owners.append((requester, UInt8(truncatingIfNeeded: domain.partition))) else { throw .outOfMemory }
    }

    /// Lets the link's interrupt line ring the core with this APIC id; nil when it cannot.
    func routeLink<Hardware: RemappingHardware>(
        _: Hardware.Type, to apicID: UInt32, in tables: borrowing RemappingTables
    ) -> RedirectionEntry? {
        guard let ioAPIC else { return .nmi(to: apicID) }
        return Hardware.routeNMI(from: ioAPIC, to: apicID, in: tables)
    }

    /// Makes the log of what the units refuse, for the core that `mapFaults` is for.
    func makeFaultLog(ticksPerSecond: UInt64) -> Pointer<FaultLog>? {
        guard let memory else { return nil }
        let log = Pointer<FaultLog>(at: logFrame)
        log.initialize(
            to: FaultLog(
                vendor, topology.units, memory, ticksPerSecond: ticksPerSecond, owners: owners))
        return log
    }

    /// Lets faults ring the core with this APIC id, where the units can reach it; elsewhere they wait for the next request.
    func reportFaults(to apicID: UInt32, _ bus: MachineBus) {
        guard memory != nil, features.canReport(to: apicID) else { return }
        let message = InterruptMessage.nmi(to: apicID)
        Pointer<FaultLog>(at: logFrame).value.message = message
        // AMD's units send by the MSI capability of a function of their own.
        for i in 0..<topology.units.count where topology.units[i].function != 0 {
            var function = FunctionDescription()
            function.address = FunctionAddress(requester: topology.units[i].function)
            BusScan(bus).readCapabilities(&function)
            guard function.msi != 0 else { continue }
            let isWide = bus.read(function.requester, function.msi + 2, size: 2) & 1 << 7 != 0
            MSI.enable(
                function.requester, at: function.msi, isWide: isWide, address: message.address, data: message.data,
                on: bus)
        }
        try? perform(.report(to: message))
    }

    /// Frames of page tables that `mapFaults` takes at most.
    var faultFrames: Int { topology.units.count * 6 + 2 }

    /// Maps what the housekeeping core needs to read faults: units' registers and event logs.
    func mapFaults(into table: inout PageTable<LongModeFormat>, _ arena: inout FrameArena) throws(PageTableError) {
        let uncached = Access.readWrite.with(.uncacheable)
        try table.map(logFrame, to: logFrame, size: 4096, .readWrite, arena: &arena)
        for i in 0..<topology.units.count {
            let registers = topology.units[i].registers
            try table.map(registers, to: registers, size: features.registerBytes, uncached, arena: &arena)
            guard features.logFrame != 0 else { continue }
            let log = topology.units[i].buffers + UInt64(features.logFrame) * FrameArena.frameSize
            try table.map(log, to: log, size: FrameArena.frameSize, .read, arena: &arena)
        }
    }

    /// What is wrong with the unit whose registers are at `unit`.
    static func line(_ words: StaticString, _ step: RemappingError.Step, _ unit: UInt64) -> LogLine {
        var line = LogLine(words, step.rawValue.text)
        line.write(", registers at %x", unit)
        return line
    }

    static func refusal(_ error: RemappingError, unit: UInt64 = 0) -> Refusal {
        switch error {
        case .noAnswer(let step): return Refusal(line("the IOMMU does not answer: ", step, unit))
        case .changed(let step): return Refusal(line("the IOMMU is not as it was set up: ", step, unit))
        case .outOfMemory: return Refusal("the IOMMU's tables are too small")
        case .tooWide: return Refusal("a partition's memory lies beyond what the IOMMU can address")
        case .unreachableCore:
            return Refusal("a partition with PCI functions has more cores than the IOMMU can interrupt")
        case .otherDomain:
            return Refusal("a PCI function's requester id is another partition's, or an interrupt source's")
        }
    }
}
