import X86

/// The tables under which all remapping units of a machine stand. They start with everything denied; what partitions own is
/// added before any guest runs, and nothing changes after that. All methods take the same hardware as `init`.
public struct RemappingTables: ~Copyable {
    var features: RemappingFeatures { memory.features }
    public internal(set) var memory = RemappingMemory()
    private var arena: FrameArena
    /// VT-d: the next free entry of the interrupt table. The first 256 are the machine's own.
    var nextInterrupt = 256

    /// - Parameters:
    ///   - features: what all units have in common.
    ///   - arena: at least `demand.frames` frames; AMD's tables need no more alignment than these have.
    public init<Hardware: RemappingHardware>(
        _: Hardware.Type, _ features: RemappingFeatures, _ demand: RemappingDemand, arena: consuming FrameArena
    ) throws(RemappingError) {
        self.arena = arena
        memory.features = features
        try Hardware.denyAll(demand, in: &self)
    }

    mutating func take(_ frames: Int) throws(RemappingError) -> UInt64 {
        guard let address = arena.take(frames) else { throw .outOfMemory }
        return address
    }

    /// The domain of a partition with `vcpuCount` (1 to 16) vCPUs on the cores with these APIC ids.
    /// - Parameters:
    ///   - partition: its index, below 8; a partition has one domain.
    ///   - runs: its memory, where DMA finds it.
    public mutating func makeDomain<Hardware: RemappingHardware>(
        _: Hardware.Type, _ partition: Int, _ runs: borrowing Span<RemappingRun>, _ apicIDs: [16 of UInt32],
        _ vcpuCount: Int
    ) throws(RemappingError) -> RemappingDomain {
        guard (1...features.maxVCPUs).contains(vcpuCount) else { throw .unreachableCore }
        for vcpu in 0..<vcpuCount where !features.canReach(apicIDs[vcpu]) { throw .unreachableCore }
        let root = try map(runs, Hardware.Pages.self)
        let interruptTable = try Hardware.makeInterruptTable(apicIDs, vcpuCount, in: &self)
        return RemappingDomain(
            partition: partition, root: root, apicIDs: apicIDs, vcpuCount: vcpuCount, interruptTable: interruptTable)
    }

    private mutating func map<Format: PageTableFormat>(
        _ runs: borrowing Span<RemappingRun>, _: Format.Type
    ) throws(RemappingError) -> UInt64 {
        do throws(PageTableError) {
            var table = try PageTable<Format>(hugePages: features.hugePages, arena: &arena)
            for i in 0..<runs.count {
                let limit: UInt64 = 1 << UInt64(features.guestBits)
                guard runs[i].guest < limit, runs[i].size <= limit - runs[i].guest else {
                    throw PageTableError.unaligned
                }
                try table.map(runs[i].guest, to: runs[i].physical, size: runs[i].size, .readWrite, arena: &arena)
            }
            // With 39 bits the walk starts at the table behind the first entry of the root.
            if features.addressWidth == 48 { return table.root }
            let first = PhysicalWords(at: table.root)[0]
            guard Format.isPresent(first) else { throw PageTableError.unaligned }
            return Format.address(first)
        } catch {
            throw error == .outOfFrames ? .outOfMemory : .tooWide
        }
    }
}
