import Manifest
import ModelImage
import PCI
import Platform
import Records
import Remapping
import Silicon
import Text

/// Writes the record of `OwnershipRecord.swift` into pages of its own.
struct OwnershipWriter: ~Copyable {
    /// Room for 511 entries: remapping units need 34 at the most and come first, partitions 61, cores 7 each, functions 9. What
    /// finds no room is missing, and who looks from outside finds something without an owner.
    static let bytes: UInt64 = 0x4000
    private let address: UInt64
    private var header: OwnershipHeader

    init(at address: UInt64) {
        self.address = address
        header = OwnershipHeader(address: address)
    }

    /// Nothing where there is no such memory: `base` or `size` is 0 then.
    mutating func add(
        _ kind: OwnershipKind, _ base: UInt64, _ size: UInt64, owner: Int = Int(OwnershipEntry.everyone),
        index: Int = 0, detail: UInt64 = 0
    ) {
        guard base > 0, size > 0, UInt64(header.count) < (Self.bytes - Self.headerSize) / Self.entrySize else { return }
        let pages = (size + 4095) & ~4095
        let entry = OwnershipEntry(kind, base, pages, owner: UInt16(owner), index: index, detail: detail)
        store(entry, address + Self.headerSize + UInt64(header.count) * Self.entrySize)
        header.count += 1
        store(header, address)
    }

    private static let headerSize = UInt64(MemoryLayout<OwnershipHeader>.size)
    private static let entrySize = UInt64(MemoryLayout<OwnershipEntry>.stride)
}

extension BuiltMachine {
    /// Writes down who owns what, by what was allocated for whom and not by what was mapped.
    func writeOwnership(_ program: ProgramMemory) {
        var ownership = OwnershipWriter(at: program.ownershipPages)
        plan.machine.iommu?.list(in: &ownership)
        program.list(in: &ownership)
        for i in 0..<manifest.partitionCount {
            let memory = plan.memory.ranges[i], files = plan.files[i]
            ownership.add(.memory, memory.base, memory.size, owner: i)
            ownership.add(.controlPage, controlPages[i], ControlPage.bytes, owner: i)
            // Images begin and end at multiples of 2 MiB.
            ownership.add(.image, files.kernel.address, LoaderMemory.aligned(files.kernel.size), owner: i)
            ownership.add(.image, files.initrd.address, LoaderMemory.aligned(files.initrd.size), owner: i)
            let secret = plan.secrets[i]
            ownership.add(.image, secret.address & ~0x1F_FFFF, LoaderMemory.aligned(secret.size), owner: i)
            ownership.add(.image, plan.sites[i].address, LoaderMemory.aligned(plan.sites[i].size), owner: i)
            guard manifest.partitions[i].tpm else { continue }
            ownership.add(.registers, GuestWindows.tpm, GuestWindows.tpmSize, owner: i)
            ownership.add(.image, plan.log.file.address, plan.log.file.size, owner: i)
        }
        let housekeeping = Int(OwnershipEntry.housekeeping)
        for i in 0...8 where plan.blocks[i].size != 0 {
            let block = plan.blocks[i], owner = i == 8 ? housekeeping : i
            ownership.add(.block, block.base, block.size, owner: owner)
            ownership.add(.constantBlock, block.constants, block.base + block.size - block.constants, owner: owner)
        }
        for core in 0..<64 where coreStates[core] != 0 {
            let owner = manifest.owner(ofCore: core) ?? housekeeping
            let state = CoreLayout(base: coreStates[core]).state
            ownership.add(
                .core, coreStates[core], CoreLayout.size, owner: owner, index: core, detail: state.value.header.cr3)
            let records = program.crash.base == 0 ? 0 : program.crash.page(of: core)
            ownership.add(.block, records, CrashRegion.pageSize, owner: owner, index: core)
            guard let nested = state.value.partition?.value.nested[state.value.vcpu] else { continue }
            ownership.add(.nestedRoot, nested.memory, 4096, owner: owner, index: core)
            ownership.add(.nestedRoot, nested.bus, 4096, owner: owner, index: core)
            ownership.add(.nestedRoot, nested.loader, 4096, owner: owner, index: core, detail: 1)
            ownership.add(.unclaimed, nested.unclaimed, 4096, owner: owner, index: core)
            guard let model = state.value.partition?.value.model else { continue }
            ownership.add(.nestedRoot, model.nested, 4096, owner: owner, index: core, detail: 2)
            guard state.value.vcpu == 0 else { continue }
            ownership.add(.modelProgram, model.program, model_size(), owner: owner)
            ownership.add(.model, model.page.address, UInt64(ModelMemory.frames) * 4096, owner: owner)
            ownership.add(.model, model.tables, model.tablesSize, owner: owner, detail: 1)
            ownership.add(.model, controlPages[owner] + ControlPage.ringsAt, 4096, owner: owner, detail: 2)
        }
        for i in 0..<manifest.partitionCount { listFunctions(i, in: &ownership) }
        for n in 0..<manifest.channelCount {
            let ends = manifest.channels[n].ends
            for end in 0..<2 {
                ownership.add(
                    .wire, plan.channels[n] + UInt64(end) * WireHalf.size, WireHalf.size, owner: ends[end].partition,
                    index: ends[1 - end].partition, detail: manifest.channels[n].isMemory ? 1 : 0)
            }
        }
    }

    /// What partition `i` has of the bus: configuration space, the bridge that resets it, registers, MSI-X tables.
    private func listFunctions(_ i: Int, in ownership: inout OwnershipWriter) {
        let first = manifest.partitions[i].cores.first
        guard coreStates[first] != 0,
            let functions = CoreLayout(base: coreStates[first]).state.value.partition?.value.functions
        else { return }
        var bridge: UInt16 = 0
        for n in 0..<functions.value.guest.count {
            let function = functions.value.owned[n].description
            let id = Int(function.requester)
            ownership.add(.configuration, tables.bus.page(of: function.requester), 4096, owner: i, index: id)
            if function.reset == .bus, function.bridge != bridge {
                bridge = function.bridge
                ownership.add(.configuration, tables.bus.page(of: bridge), 4096, owner: i, index: Int(bridge))
            }
            for bar in 0..<6 {
                guard let pages = functions.value.guest.functions[n].pages(bar) else { continue }
                ownership.add(.registers, pages.machine, pages.size, owner: i, index: id)
            }
        }
        functions.value.forEachRun { n, _, machine, size, isTrapped in
            let id = Int(functions.value.owned[n].description.requester)
            if isTrapped { ownership.add(.messages, machine, size, owner: i, index: id) }
        }
    }
}

extension IOMMU {
    func list(in ownership: inout OwnershipWriter) {
        let owner = Int(OwnershipEntry.housekeeping)
        ownership.add(.remapping, base, size, owner: owner)
        if size > 0 { ownership.add(.faultLog, logFrame, 4096, owner: owner) }
        for i in 0..<topology.units.count {
            ownership.add(
                .remappingUnit, topology.units[i].registers, features.registerBytes, owner: owner,
                index: Int(vendor.rawValue) - 1)
        }
    }
}
