/// VT-d's tables in legacy mode: a root table, a context table for each bus, one interrupt table for all.
extension VTD {
    public typealias Pages = VTDPageFormat

    public static func denyAll(_ demand: RemappingDemand, in tables: inout RemappingTables) throws(RemappingError) {
        tables.memory.deviceTable = try tables.take(tables.features.deviceTableFrames)
        tables.memory.interruptEntries = demand.interruptEntries
        tables.memory.interruptTable = try tables.take(demand.interruptEntries * 16 / 4096)
    }

    public static func makeInterruptTable(
        _ apicIDs: [16 of UInt32], _ vcpuCount: Int, in tables: inout RemappingTables
    ) -> UInt64 { 0 }

    public static func attach(
        _ requester: UInt16, alias: UInt16?, to domain: RemappingDomain, in tables: inout RemappingTables
    ) throws(RemappingError) -> InterruptBlock {
        try allow(requester, domain, &tables)
        if let alias { try allow(alias, domain, &tables) }
        let base = tables.nextInterrupt
        guard tables.memory.interruptEntries - base >= domain.vcpuCount * 256 else { throw .outOfMemory }
        tables.nextInterrupt += domain.vcpuCount * 256
        for vcpu in 0..<domain.vcpuCount {
            for vector in InterruptBlock.firstVector...255 {
                let index = base + vcpu * 256 + Int(vector)
                set(index, vector, domain.apicIDs[vcpu], from: alias ?? requester, isNMI: false, tables)
            }
        }
        return InterruptBlock(base: base, vcpuCount: domain.vcpuCount, indexInAddress: true)
    }

    private static func allow(
        _ requester: UInt16, _ domain: RemappingDomain, _ tables: inout RemappingTables
    ) throws(RemappingError) {
        let root = PhysicalWords(at: tables.memory.deviceTable), bus = Int(requester >> 8)
        if root[bus * 2] == 0 { root[bus * 2] = VTDEntry.present(try tables.take(1)) }
        let context = PhysicalWords(at: root[bus * 2] & ~0xFFF), function = Int(requester & 0xFF)
        let high = VTDEntry.contextHigh(domain: domain.id, width: tables.features.addressWidth)
        guard context[function * 2] == 0 || context[function * 2 + 1] == high else { throw .otherDomain }
        context[function * 2 + 1] = high
        context[function * 2] = VTDEntry.present(domain.root)
    }

    private static func set(
        _ index: Int, _ vector: UInt8, _ apicID: UInt32, from requester: UInt16, isNMI: Bool,
        _ tables: borrowing RemappingTables
    ) {
        let words = PhysicalWords(at: tables.memory.interruptTable)
        words[index * 2 + 1] = VTDEntry.interruptHigh(requester: requester)
        words[index * 2] = VTDEntry.interruptLow(
            vector: vector, to: apicID, isNMI: isNMI, extended: tables.features.extendedInterrupts)
    }

    public static func routeNMI(
        from requester: UInt16, to apicID: UInt32, in tables: borrowing RemappingTables
    ) -> RedirectionEntry? {
        guard tables.features.canReach(apicID) else { return nil }
        set(0, 0, apicID, from: requester, isNMI: true, tables)
        return .remapped(index: 0)
    }
}
