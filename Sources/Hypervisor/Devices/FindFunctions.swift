import Manifest
import Platform
import Silicon
import X86

extension MachineBuilder {
    /// Finds the machine's functions, what keeps them apart and which of them the manifest gives away, while the firmware
    /// runs. Nil when there is no memory to note them.
    mutating func findFunctions(_ firmware: borrowing Firmware) {
        let size = UInt64(MemoryLayout<InlineArray<64, OwnedFunction>>.size)
        // Without the memory the list of functions stays empty, and the manifest is refused by what it misses.
        guard let address = try? firmware.allocate(size, .anywhere) else { return }
        owned = Shared(at: address)
        owned.initialize(to: InlineArray(repeating: OwnedFunction()))
        facts.usableIOMMU = iommu != nil && tables.ecam != 0
        for core in 0..<tables.processorCount {
            for other in (0..<core).reversed()
            where tables.topology.areSiblings(tables.apicIDs[core], tables.apicIDs[other]) {
                facts.siblings[core] = UInt8(other)
            }
        }
        let bus = tables.bus
        var groups = IsolationGroups()
        BusScan(bus).forEach { groups.add($0, on: bus) }
        BusScan(bus).forEach { note(&$0, groups) }
    }

    private mutating func note(_ function: inout FunctionDescription, _ groups: borrowing IsolationGroups) {
        function.alias = groups.alias(of: function)
        var fact = FunctionFacts()
        fact.address = FunctionAddress(requester: function.requester)
        fact.vendor = function.vendor
        fact.device = function.device
        fact.classCode = function.classCode
        fact.group = groups.group(of: function.requester)
        fact.virtualGroup = groups.group(virtualFunctionsOf: function)
        fact.isBridge = function.isBridge
        fact.isReserved = iommu?.topology.hasReservedMemory(function.requester) ?? false
        var method = FunctionReset(tables.bus).method(of: function)
        if method == .none, groups.canResetBus(of: function) { method = .bus }
        fact.reset = FunctionFacts.Reset(rawValue: method.rawValue) ?? .none
        if let virtual = try? VirtualFunctions(of: function, on: tables.bus) {
            fact.virtualTotal = UInt16(truncatingIfNeeded: virtual.total)
            fact.virtualOffset = virtual.offset
            fact.virtualStride = virtual.stride
            fact.virtualDevice = virtual.device
        }
        for i in 0..<6 where function.bars[i].kind != .none {
            let exponent = UInt8(truncatingIfNeeded: function.bars[i].size.trailingZeroBitCount)
            fact.barSizes[i] = exponent | (function.bars[i].kind == .port ? 0x80 : 0)
        }
        // What finds no room is unknown, and so nobody's.
        guard groups.isComplete, facts.functions.append(fact) else { return }
        for i in 0..<manifest.partitionCount {
            for n in 0..<manifest.partitions[i].devices.count
            where manifest.partitions[i].devices.devices[n].address.requester == function.requester {
                owned.value[i * 8 + n].description = function
            }
        }
    }

    /// Makes the virtual functions that the manifest asks for, once the firmware is gone, of physical functions that were
    /// reset before.
    mutating func enableVirtualFunctions() {
        let bus = tables.bus, ticks = tscKHz
        for place in 0..<64 {
            let devices = manifest.partitions[place / 8].devices
            guard place % 8 < devices.count, devices.devices[place % 8].virtualFunctions > 0 else { continue }
            let count = Int(devices.devices[place % 8].virtualFunctions)
            let physical = owned.value[place].description
            let method: ResetMethod = physical.hasFunctionReset ? .functionLevel : .none
            _ = FunctionReset(bus).reset(physical, by: method) { wait($0, ticks) }
            guard let virtual = try? VirtualFunctions(of: physical, on: bus) else { continue }
            owned.value[place].virtual = virtual
            owned.value[place].virtualCount = count
            wait(virtual.enable(count, on: bus), ticks)
            for other in 0..<64 {
                let others = manifest.partitions[other / 8].devices
                guard other % 8 < others.count else { continue }
                for k in 0..<count where virtual.requester(k) == others.devices[other % 8].address.requester {
                    guard let found = virtual.describe(k, of: physical, on: bus) else { continue }
                    owned.value[other].description = found
                }
            }
        }
    }

    /// Registers are given away in pages: refuses functions that have some in one page with another's.
    func requireOwnPages() throws(Refusal) {
        var clash: (UInt16, UInt16)?
        let owned = owned
        BusScan(tables.bus).forEach { function in
            for i in 0..<64
            where owned.value[i].description.vendor != 0
                && owned.value[i].description.requester != function.requester
            {
                let mine = owned.value[i].description
                if mine.sharesPage(with: function) { clash = (mine.requester, function.requester) }
            }
        }
        guard let clash else { return }
        var line = Line("PCI functions ")
        line.write(hexadecimal: UInt64(clash.0))
        line.write(" and ")
        line.write(hexadecimal: UInt64(clash.1))
        line.write(" (requester ids) have registers in one page of memory, so that no partition can own one alone")
        throw Refusal(line)
    }

    /// Ends what firmware's drivers left their devices doing, owned or not, and makes ports keep them apart.
    func silenceFunctions() {
        let reset = FunctionReset(tables.bus)
        let bus = tables.bus
        BusScan(bus).forEach {
            reset.silence($0)
            AccessControl.enable($0, on: bus)
        }
    }

    /// What partition `i` has of the bus, in its own block; nil when it owns nothing there.
    mutating func buildFunctions(
        _ i: Int, _ platform: PlatformDescription, _ arena: inout FrameArena
    ) throws(PageTableError) -> Shared<PartitionFunctions>? {
        let devices = manifest.partitions[i].devices
        guard devices.count > 0 else { return nil }
        let functions = Shared<PartitionFunctions>(at: try take(PartitionFunctions.self, &arena))
        functions.initialize(to: PartitionFunctions(tables.bus, platform))
        for n in 0..<devices.count {
            var found = owned.value[i * 8 + n]
            let index = facts.functions.index(of: FunctionAddress(requester: found.description.requester))
            let known = index.map { facts.functions.functions[$0].reset.rawValue }
            found.reset = known.flatMap { ResetMethod(rawValue: $0) } ?? .functionLevel
            found.interrupts = interrupts[i][n]
            do throws(GuestBusError) {
                try functions.value.append(found, through: FunctionWindow(functions: functions))
            } catch { throw .mappedAlready }
        }
        return functions
    }
}

extension PartitionFunctions {
    /// The functions' registers into a guest's address space, but for what the hypervisor stands in for.
    func map<Format: PageTableFormat>(
        into nested: inout PageTable<Format>, arena: inout FrameArena
    ) throws(PageTableError) {
        let access = Access.readWrite.with(.uncacheable)
        for i in 0..<guest.count {
            let trapped = guest.functions[i].trapped
            for bar in 0..<6 {
                guard let pages = guest.functions[i].pages(bar) else { continue }
                let end = pages.guest + pages.size
                let hole = trapped.clamped(to: pages.guest..<end)
                let first = hole.isEmpty ? pages.size : hole.lowerBound - pages.guest
                try nested.map(pages.guest, to: pages.machine, size: first, access, arena: &arena)
                guard !hole.isEmpty else { continue }
                let rest = hole.upperBound - pages.guest
                try nested.map(
                    hole.upperBound, to: pages.machine + rest, size: pages.size - rest, access, arena: &arena)
            }
        }
    }

    /// What a core of the partition reaches itself: its functions' configuration space and their MSI-X tables.
    func map(
        forCore table: inout PageTable<LongModeFormat>, arena: inout FrameArena
    ) throws(PageTableError) {
        let access = Access.readWrite.with(.uncacheable)
        for i in 0..<guest.count {
            let description = guest.functions[i].description
            let page = bus.page(of: description.requester)
            try table.map(page, to: page, size: 4096, access, arena: &arena)
            if owned[i].reset == .bus, table.translate(bus.page(of: description.bridge)) == nil {
                let page = bus.page(of: description.bridge)
                try table.map(page, to: page, size: 4096, access, arena: &arena)
            }
            let trapped = guest.functions[i].trapped
            guard !trapped.isEmpty, let pages = guest.functions[i].pages(description.msix.tableBAR) else { continue }
            let at = pages.machine + (trapped.lowerBound - pages.guest)
            try table.map(
                at, to: at, size: trapped.upperBound - trapped.lowerBound, access, arena: &arena)
        }
    }
}
