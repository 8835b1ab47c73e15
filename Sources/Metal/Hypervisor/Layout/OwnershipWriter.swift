import Manifest
import PCI
import Platform
import Records
import Remapping
import Text

/// Writes the record of `LedgerRecord.swift` into pages of its own.
struct LedgerWriter: ~Copyable {
    /// Room for 511 entries: partitions need 48 at the most, cores 5 each, functions 9. What finds no room is missing, and
    /// who looks from outside finds something without an owner.
    static let bytes: UInt64 = 0x4000
    private let address: UInt64
    private var header: LedgerHeader

    init(at address: UInt64) {
        self.address = address
        header = LedgerHeader(address: address)
    }

    mutating func add(
        _ kind: LedgerKind, _ base: UInt64, _ size: UInt64, owner: Int = Int(LedgerEntry.everyone), index: Int = 0,
        detail: UInt64 = 0
    ) {
        guard size > 0, UInt64(header.count) < (Self.bytes - Self.headerSize) / Self.entrySize else { return }
        let pages = (size + 4095) & ~4095
        let entry = LedgerEntry(kind, base, pages, owner: UInt16(owner), index: index, detail: detail)
        store(entry, address + Self.headerSize + UInt64(header.count) * Self.entrySize)
        header.count += 1
        store(header, address)
    }

    private static let headerSize = UInt64(MemoryLayout<LedgerHeader>.size)
    private static let entrySize = UInt64(MemoryLayout<LedgerEntry>.stride)
}

extension MachineBuilder {
    /// Writes down who owns what, by what was allocated for whom and not by what was mapped.
    func writeLedger(_ program: ProgramMemory) {
        var ledger = LedgerWriter(at: program.ledgerPages)
        program.list(in: &ledger)
        for i in 0..<manifest.partitionCount {
            if let plan = memory { ledger.add(.memory, plan.ranges[i].base, plan.ranges[i].size, owner: i) }
            ledger.add(.block, blocks[i].base, blocks[i].size, owner: i)
            ledger.add(.board, boards[i], Self.boardSize, owner: i)
            // Images begin and end at multiples of 2 MiB.
            ledger.add(.image, files[i].kernel.address, (files[i].kernel.size + 0x1F_FFFF) & ~0x1F_FFFF, owner: i)
            ledger.add(.image, files[i].initrd.address, (files[i].initrd.size + 0x1F_FFFF) & ~0x1F_FFFF, owner: i)
        }
        let housekeeping = Int(LedgerEntry.housekeeping)
        ledger.add(.block, blocks[8].base, blocks[8].size, owner: housekeeping)
        for core in 0..<64 where coreStates[core] != 0 {
            var owner = housekeeping
            for i in 0..<manifest.partitionCount where manifest.partitions[i].cores.contains(CoreSet(core: core)) {
                owner = i
            }
            ledger.add(.core, coreStates[core], CoreLayout.size, owner: owner, index: core, detail: pageTables[core])
            if program.crash.base != 0 {
                ledger.add(.block, program.crash.page(of: core), CrashRegion.pageSize, owner: owner, index: core)
            }
            let state = Shared<CoreState>(at: coreStates[core])
            guard let nested = state.value.partition?.value.nested[state.value.vcpu] else { continue }
            ledger.add(.nestedRoot, nested.memory, 4096, owner: owner, index: core)
            ledger.add(.nestedRoot, nested.bus, nested.bus == 0 ? 0 : 4096, owner: owner, index: core)
            ledger.add(.unclaimed, nested.unclaimed, nested.unclaimed == 0 ? 0 : 4096, owner: owner, index: core)
        }
        for i in 0..<manifest.partitionCount { listFunctions(i, in: &ledger) }
        iommu?.list(in: &ledger)
    }

    /// What partition `i` has of the bus: configuration space, the bridge that resets it, registers, MSI-X tables.
    private func listFunctions(_ i: Int, in ledger: inout LedgerWriter) {
        let first = manifest.partitions[i].cores.first
        guard coreStates[first] != 0,
            let functions = Shared<CoreState>(at: coreStates[first]).value.partition?.value.functions
        else { return }
        var bridge: UInt16 = 0
        for n in 0..<functions.value.guest.count {
            let function = functions.value.owned[n].description
            let id = Int(function.requester)
            ledger.add(.configuration, tables.bus.page(of: function.requester), 4096, owner: i, index: id)
            if functions.value.owned[n].reset == .bus, function.bridge != bridge {
                bridge = function.bridge
                ledger.add(.configuration, tables.bus.page(of: bridge), 4096, owner: i, index: Int(bridge))
            }
            for bar in 0..<6 {
                guard let pages = function.bars[bar].pages else { continue }
                ledger.add(.registers, pages.lowerBound, pages.upperBound - pages.lowerBound, owner: i, index: id)
            }
            guard !functions.value.guest.functions[n].trapped.isEmpty,
                let bar = function.bars[function.msix.tableBAR].pages
            else { continue }
            let start = bar.lowerBound + function.msix.tableOffset & ~0xFFF
            let end = bar.lowerBound + function.msix.tableOffset + UInt64(function.msix.entries) * 16
            ledger.add(.messages, start, end - start, owner: i, index: id)
        }
    }
}

extension IOMMU {
    func list(in ledger: inout LedgerWriter) {
        let owner = Int(LedgerEntry.housekeeping)
        ledger.add(.remapping, base, size, owner: owner)
        if size > 0 { ledger.add(.faultLog, logFrame, 4096, owner: owner) }
        for i in 0..<topology.unitCount {
            let isVTd = format.kind == .vtd
            ledger.add(
                .remappingUnit, topology.units[i].registers, isVTd ? 0x1000 : 0x4000, owner: owner, index: isVTd ? 0 : 1
            )
        }
    }
}
