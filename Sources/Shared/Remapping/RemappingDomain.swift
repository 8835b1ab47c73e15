/// What the functions of one partition may reach: its memory by DMA, its cores by interrupts.
public struct RemappingDomain: Sendable {
    /// Index of the partition.
    public let partition: Int
    /// What units know the domain by. VT-d keeps 0 for entries that are absent (section 9.3).
    var id: UInt16 { UInt16(truncatingIfNeeded: partition + 1) }
    /// The page table as units take it.
    let root: UInt64
    let apicIDs: [16 of UInt32]
    let vcpuCount: Int
    /// AMD: the interrupt table that all functions of the domain share.
    let interruptTable: UInt64
}

/// A run of a partition's memory: bytes, multiples of 4 KiB.
public typealias RemappingRun = (guest: UInt64, physical: UInt64, size: UInt64)

/// What of a machine's tables has to have room.
public struct RemappingDemand: Sendable {
    /// Partitions that own functions.
    public var domains = 0
    /// Functions and the aliases of functions.
    public var functions = 0
    /// Pairs of a function and a vCPU of its partition.
    public var pairs = 0
    /// vCPUs of the partitions in `domains`.
    public var vcpus = 0
    /// Runs of physical memory, and GiB of it, rounded up for each run.
    public var runs = 0
    public var gibibytes = 0
    public init() {}

    /// VT-d: entries of the interrupt table. The first block of 256 is the machine's own.
    var interruptEntries: Int {
        var entries = 512
        while entries < min((pairs + 1) * 256, 65_536) { entries *= 2 }
        return entries
    }

    /// Frames for everything but units' buffers, enough for either vendor's interrupt tables.
    public func frames(_ features: RemappingFeatures) -> Int {
        // A domain: a root and two tables below it; a run: tables for its two ends, where they are no multiples.
        // Where guest-physical and physical addresses differ below 1 GiB, each GiB takes one.
        let pageTables = domains * 3 + runs * 4 + gibibytes
        // VT-d: a context table for each function's bus, one interrupt table. AMD: an empty page table, an interrupt table
        // for each domain.
        let interrupts = functions + interruptEntries * 16 / 4096 + 1 + vcpus * 256 * 16 / 4096 + domains * 8
        return pageTables + features.deviceTableFrames + interrupts
    }
}
