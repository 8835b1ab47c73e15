import X86

/// The tables under which all remapping units of a machine stand. They start with everything denied; what partitions own is
/// added before any guest runs, and nothing changes after that.
public struct RemappingTables: ~Copyable {
    public let format: RemappingFormat
    public let memory: RemappingMemory
    private var arena: FrameArena
    /// VT-d: the next free entry of the interrupt table.
    private var nextInterrupt = 256
    /// AMD: an empty page table.
    private let nothing: UInt64

    /// All of the tables' memory.
    public var base: UInt64 { arena.base }
    public var size: UInt64 { arena.end - arena.base }

    /// - Parameters:
    ///   - isCoherent: whether all units look into processors' caches.
    ///   - arena: at least `demand.frames(format)` frames; AMD's tables need no more alignment than these have.
    public init(
        _ format: RemappingFormat, isCoherent: Bool, _ demand: RemappingDemand, arena: consuming FrameArena
    ) throws(RemappingError) {
        self.format = format
        var memory = RemappingMemory()
        memory.isCoherent = isCoherent
        memory.extendedInterrupts = format.extendedInterrupts
        self.arena = arena
        switch format.kind {
        case .vtd:
            memory.deviceTable = try Self.take(1, &self.arena)
            memory.interruptEntries = demand.interruptEntries
            memory.interruptTable = try Self.take(demand.interruptEntries * 16 / 4096, &self.arena)
            nothing = 0
        case .amdVi:
            memory.deviceTable = try Self.take(
                Int(AMDViEntry.deviceTableBytes / FrameArena.frameSize), &self.arena)
            nothing = try Self.take(1, &self.arena)
            let words = PhysicalWords(at: memory.deviceTable)
            for id in 0..<65_536 {
                words[id * 4] = AMDViEntry.denied(root: nothing)
                words[id * 4 + 2] = AMDViEntry.interruptsDenied
            }
        }
        self.memory = memory
    }

    private static func take(_ frames: Int, _ arena: inout FrameArena) throws(RemappingError) -> UInt64 {
        guard let address = arena.take(frames) else { throw .outOfMemory }
        return address
    }

    /// The domain of a partition with `vcpuCount` (1 to 16) vCPUs on the cores with these APIC ids.
    /// - Parameters:
    ///   - partition: its index, below 8; a partition has one domain.
    ///   - runs: its memory, where DMA finds it.
    public mutating func makeDomain(
        partition: Int, _ runs: borrowing Span<RemappingRun>, apicIDs: [16 of UInt32], vcpuCount: Int
    ) throws(RemappingError) -> RemappingDomain {
        guard (1...format.maxVCPUs).contains(vcpuCount) else { throw .unreachableCore }
        for vcpu in 0..<vcpuCount where !format.canReach(apicIDs[vcpu]) { throw .unreachableCore }
        let root: UInt64, interrupts: UInt64
        switch format.kind {
        case .vtd:
            root = try map(runs, VTDPageFormat.self)
            interrupts = 0
        case .amdVi:
            root = try map(runs, AMDViPageFormat.self)
            interrupts = try fillInterruptTable(apicIDs, vcpuCount)
        }
        return RemappingDomain(
            partition: partition, root: root, apicIDs: apicIDs, vcpuCount: vcpuCount,
            interruptTable: interrupts)
    }

    private mutating func map<Format: PageTableFormat>(
        _ runs: borrowing Span<RemappingRun>, _: Format.Type
    ) throws(RemappingError) -> UInt64 {
        do throws(PageTableError) {
            var table = try PageTable<Format>(hugePages: format.hugePages, arena: &arena)
            for i in 0..<runs.count {
                let limit: UInt64 = 1 << UInt64(format.guestBits)
                guard runs[i].guest < limit, runs[i].size <= limit - runs[i].guest else {
                    throw PageTableError.unaligned
                }
                try table.map(runs[i].guest, to: runs[i].physical, size: runs[i].size, .readWrite, arena: &arena)
            }
            // With 39 bits the walk starts at the table behind the first entry of the root.
            if format.addressWidth == 48 { return table.root }
            let first = PhysicalWords(at: table.root)[0]
            guard Format.isPresent(first) else { throw PageTableError.unaligned }
            return Format.address(first)
        } catch {
            throw error == .outOfFrames ? .outOfMemory : .tooWide
        }
    }

    private mutating func fillInterruptTable(
        _ apicIDs: [16 of UInt32], _ vcpuCount: Int
    ) throws(RemappingError) -> UInt64 {
        let count = Self.interruptCount(vcpuCount), bytes = format.extendedInterrupts ? 16 : 4
        let table = try Self.take((count * bytes + 4095) / 4096, &arena)
        let words = PhysicalWords(at: table)
        for vcpu in 0..<vcpuCount {
            for vector in InterruptBlock.firstVector...255 {
                let index = vcpu * 256 + Int(vector)
                if format.extendedInterrupts {
                    let entry = AMDViEntry.wideInterrupt(vector: vector, to: apicIDs[vcpu])
                    words[index * 2] = entry.0
                    words[index * 2 + 1] = entry.1
                } else {
                    let entry = AMDViEntry.narrowInterrupt(vector: vector, to: apicIDs[vcpu])
                    words[index / 2] |= UInt64(entry) << (index & 1 == 0 ? 0 : 32)
                }
            }
        }
        return table
    }

    /// AMD: entries of a table, a power of two.
    private static func interruptCount(_ vcpuCount: Int) -> Int {
        var count = 256
        while count < vcpuCount * 256 { count *= 2 }
        return count
    }

    /// Gives a function to a domain: its DMA reaches the domain's memory alone, its interrupts the domain's cores alone.
    /// - Parameter alias: the id that its requests carry where a bridge to conventional PCI stands above it.
    /// - Returns: what interrupts it has.
    public mutating func attach(
        _ requester: UInt16, alias: UInt16? = nil, to domain: RemappingDomain
    ) throws(RemappingError) -> InterruptBlock {
        try allow(requester, domain)
        if let alias { try allow(alias, domain) }
        guard format.kind == .vtd else { return InterruptBlock(.amdVi, base: 0, vcpuCount: domain.vcpuCount) }
        let base = nextInterrupt
        guard memory.interruptEntries - base >= domain.vcpuCount * 256 else { throw .outOfMemory }
        nextInterrupt += domain.vcpuCount * 256
        for vcpu in 0..<domain.vcpuCount {
            for vector in InterruptBlock.firstVector...255 {
                setInterrupt(
                    base + vcpu * 256 + Int(vector), vector, domain.apicIDs[vcpu], from: alias ?? requester,
                    isNMI: false)
            }
        }
        return InterruptBlock(.vtd, base: base, vcpuCount: domain.vcpuCount)
    }

    private mutating func allow(_ requester: UInt16, _ domain: RemappingDomain) throws(RemappingError) {
        switch format.kind {
        case .vtd:
            let root = PhysicalWords(at: memory.deviceTable), bus = Int(requester >> 8)
            if root[bus * 2] == 0 { root[bus * 2] = VTDEntry.root(contextTable: try Self.take(1, &arena)) }
            let context = PhysicalWords(at: root[bus * 2] & ~0xFFF), function = Int(requester & 0xFF)
            context[function * 2 + 1] = VTDEntry.contextHigh(domain: domain.id, width: format.addressWidth)
            context[function * 2] = VTDEntry.contextLow(root: domain.root)
        case .amdVi:
            let words = PhysicalWords(at: memory.deviceTable), entry = Int(requester) * 4
            words[entry + 1] = UInt64(domain.id)
            words[entry + 2] = AMDViEntry.interrupts(
                table: domain.interruptTable, count: Self.interruptCount(domain.vcpuCount))
            words[entry] = AMDViEntry.allowed(root: domain.root)
        }
    }

    private func setInterrupt(_ index: Int, _ vector: UInt8, _ apicID: UInt32, from requester: UInt16, isNMI: Bool) {
        let words = PhysicalWords(at: memory.interruptTable)
        words[index * 2 + 1] = VTDEntry.interruptHigh(requester: requester)
        words[index * 2] = VTDEntry.interruptLow(
            vector: vector, to: apicID, isNMI: isNMI, extended: format.extendedInterrupts)
    }

    /// Lets the I/O APIC with this requester id send NMIs to the core with this APIC id, and no other interrupt but, on AMD,
    /// NMIs to other cores too: they pass as they are.
    /// - Returns: what the I/O APIC's entry has to hold.
    public mutating func routeNMI(from requester: UInt16, to apicID: UInt32) -> RedirectionEntry? {
        switch format.kind {
        case .vtd:
            guard format.canReach(apicID) else { return nil }
            setInterrupt(0, 0, apicID, from: requester, isNMI: true)
            return .remapped(index: 0)
        case .amdVi:
            PhysicalWords(at: memory.deviceTable)[Int(requester) * 4 + 2] = AMDViEntry.nmiPasses
            return .nmi(to: apicID)
        }
    }
}

/// An entry of an I/O APIC's redirection table.
public struct RedirectionEntry: Equatable, Sendable {
    public let low: UInt32
    public let high: UInt32

    public init(low: UInt32, high: UInt32) {
        self.low = low
        self.high = high
    }

    /// An NMI (82093AA datasheet, section 3.2.4: delivery mode 100b); nil for ids that do not fit.
    public static func nmi(to apicID: UInt32) -> RedirectionEntry? {
        apicID < 255 ? RedirectionEntry(low: 0x400, high: apicID << 24) : nil
    }

    /// What a VT-d unit's interrupt table has at `index` (VT-d specification, section 5.1.2.1, remappable format).
    static func remapped(index: UInt16) -> RedirectionEntry {
        RedirectionEntry(low: UInt32(index >> 15) << 11, high: UInt32(index & 0x7FFF) << 17 | 1 << 16)
    }
}
