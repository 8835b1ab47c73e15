/// AMD's tables: one device table with an entry for each id, an interrupt table for each domain.
extension AMDVi {
    public typealias Pages = AMDViPageFormat

    /// Every entry is valid and leads to an empty page table: what has no valid entry passes.
    public static func denyAll(_ demand: RemappingDemand, in tables: inout RemappingTables) throws(RemappingError) {
        tables.memory.deviceTable = try tables.take(tables.features.deviceTableFrames)
        let empty = try tables.take(1)
        let words = PhysicalWords(at: tables.memory.deviceTable)
        for id in 0..<65_536 {
            words[id * 4] = AMDViEntry.denied(root: empty)
            words[id * 4 + 2] = tables.memory.features.remapsInterrupts ? AMDViEntry.interruptsDenied : 0
        }
    }

    public static func makeInterruptTable(
        _ apicIDs: [16 of UInt32], _ vcpuCount: Int, in tables: inout RemappingTables
    ) throws(RemappingError) -> UInt64 {
        let features = tables.features
        let table = try tables.take((interruptCount(vcpuCount) * (features.extendedInterrupts ? 16 : 4) + 4095) / 4096)
        let words = PhysicalWords(at: table)
        for vcpu in 0..<vcpuCount {
            for vector in InterruptBlock.firstVector...255 {
                let index = vcpu * 256 + Int(vector)
                if features.extendedInterrupts {
                    let entry = AMDViEntry.wideInterrupt(vector: vector, to: apicIDs[vcpu])
                    (words[index * 2], words[index * 2 + 1]) = entry
                } else {
                    let entry = AMDViEntry.narrowInterrupt(vector: vector, to: apicIDs[vcpu])
                    words[index / 2] |= UInt64(entry) << (index & 1 == 0 ? 0 : 32)
                }
            }
        }
        return table
    }

    /// Entries of a table, a power of two.
    private static func interruptCount(_ vcpuCount: Int) -> Int {
        var count = 256
        while count < vcpuCount * 256 { count *= 2 }
        return count
    }

    public static func attach(
        _ requester: UInt16, alias: UInt16?, to domain: RemappingDomain, in tables: inout RemappingTables
    ) throws(RemappingError) -> InterruptBlock {
        try allow(requester, domain, tables)
        if let alias { try allow(alias, domain, tables) }
        return InterruptBlock(base: 0, vcpuCount: domain.vcpuCount, indexInAddress: false)
    }

    private static func allow(
        _ requester: UInt16, _ domain: RemappingDomain, _ tables: borrowing RemappingTables
    ) throws(RemappingError) {
        let words = PhysicalWords(at: tables.memory.deviceTable), entry = Int(requester) * 4
        guard words[entry + 1] == 0 || words[entry + 1] == UInt64(domain.id) else { throw .otherDomain }
        words[entry + 1] = UInt64(domain.id)
        words[entry + 2] = AMDViEntry.interrupts(table: domain.interruptTable, count: interruptCount(domain.vcpuCount))
        words[entry] = AMDViEntry.allowed(root: domain.root)
    }

    public static func routeNMI(
        from requester: UInt16, to apicID: UInt32, in tables: borrowing RemappingTables
    ) -> RedirectionEntry? {
        PhysicalWords(at: tables.memory.deviceTable)[Int(requester) * 4 + 2] = AMDViEntry.nmiPasses
        return .nmi(to: apicID)
    }
}
