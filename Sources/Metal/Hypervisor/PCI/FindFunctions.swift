import Manifest
import PCI
import Platform
import Text
import X86

extension OwnedFunction {
    /// Eight places for each partition.
    static func allocate(_ firmware: borrowing Firmware) throws(Refusal) -> Pointer<InlineArray<64, OwnedFunction>> {
        let size = UInt64(MemoryLayout<InlineArray<64, OwnedFunction>>.size)
        let places = Pointer<InlineArray<64, OwnedFunction>>(
            at: try firmware.allocate(size, .anywhere, for: "memory for what PCI functions are"))
        places.initialize(to: InlineArray(repeating: OwnedFunction()))
        return places
    }
}

extension PlannedMachine {
    /// Finds the functions that the manifest gives away, while the firmware runs.
    func findFunctions() throws(Refusal) {
        for place in 0..<64 {
            guard let device = device(place), let found = machine.facts.functions.index(of: device.address) else {
                continue
            }
            owned.value[place].description = machine.facts.functions.functions[found]
            try findVirtualFunctions(Int(device.virtualFunctions), place)
        }
    }

    /// What the manifest says of the function in this place; nil when nothing is there.
    private func device(_ place: Int) -> DeviceSpec? {
        let n = place % 8
        return n < manifest.partitions[place / 8].devices.count
            ? manifest.partitions[place / 8].devices[n] : nil
    }

    /// The partitions, a bit for each, that own virtual functions of partition `i`'s physical ones.
    func dependents(of i: Int) -> UInt8 {
        var found: UInt8 = 0
        for place in 0..<64 where place / 8 != i {
            guard let physical = owned.value[place].description.physicalFunction else { continue }
            if manifest.owner(of: FunctionAddress(requester: physical)) == i { found |= 1 << UInt8(place / 8) }
        }
        return found
    }

    private func findVirtualFunctions(_ count: Int, _ place: Int) throws(Refusal) {
        guard count > 0 else { return }
        let physical = owned.value[place].description
        do throws(VirtualFunctionError) {
            let virtual = try VirtualFunctions(of: physical, on: machine.tables.bus)
            try virtual.require(count, lastBus: physical.lastBus)
            for k in 0..<count
            where !machine.facts.functions.hasRoom(for: virtual.requester(k), of: physical) { throw .noBus }
            owned.value[place].virtual = virtual
            owned.value[place].virtualCount = count
        } catch { throw Refusal(function: physical.requester, error.rawValue.text) }
    }

    /// Ends what firmware's drivers left their devices doing, owned or not, and makes ports keep them apart. Where partitions own
    /// functions, refuses a machine on which that fails, or whose functions are not those that were checked.
    func silenceFunctions() throws(Refusal) {
        let bus = machine.tables.bus, reset = FunctionReset(bus)
        var changed = machine.facts.functions.missing(on: bus)
        BusScan(bus).forEach {
            reset.silence($0)
            VirtualFunctions.disable(of: $0, on: bus)
            if !AccessControl.enable($0, on: bus) || !machine.facts.functions.has($0) { changed = $0.requester }
        }
        for i in 0..<manifest.partitionCount where manifest.partitions[i].devices.count > 0 {
            guard let changed else { return }
            throw Refusal(function: changed, " is not what it was, or does not keep its access control")
        }
    }

    /// Makes the virtual functions that the manifest asks for, once the firmware is gone, of physical functions that were
    /// reset before.
    func enableVirtualFunctions() {
        let bus = machine.tables.bus, ticks = machine.tscKHz
        for place in 0..<64 where owned.value[place].virtualCount > 0 {
            let physical = owned.value[place].description, virtual = owned.value[place].virtual
            let method: ResetMethod = physical.hasFunctionReset ? .functionLevel : .none
            FunctionReset(bus).reset(physical, by: method) { wait($0, ticks) }
            guard FunctionReset(bus).restore(physical, wait: { wait($0, ticks) }) else { continue }
            wait(virtual.enable(owned.value[place].virtualCount, on: bus), ticks)
            for other in 0..<64 {
                for k in 0..<owned.value[place].virtualCount
                where virtual.requester(k) == device(other)?.address.requester {
                    guard let found = virtual.describe(k, of: physical, on: bus) else { continue }
                    owned.value[other].description = found
                }
            }
        }
    }
}

extension BuiltMachine {
    /// What partition `i` has of the bus, in its own block; nil when it owns nothing there.
    func buildFunctions(
        _ i: Int, _ platform: PlatformDescription, _ arena: inout FrameArena
    ) throws(PageTableError) -> Pointer<PartitionFunctions>? {
        let devices = manifest.partitions[i].devices
        guard platform.hasBus else { return nil }
        let functions = Pointer<PartitionFunctions>(at: try take(PartitionFunctions.self, &arena))
        functions.initialize(to: PartitionFunctions(tables.bus, platform, hasDependents: plan.dependents(of: i) != 0))
        for n in 0..<devices.count {
            var found = plan.owned.value[i * 8 + n]
            let window = FunctionWindow(functions: functions), ticks = plan.machine.tscKHz
            let isThere = found.description.vendor != 0, id = UInt64(devices[n].address.requester)
            // Its registers are where they were, before anything is read there.
            guard isThere, FunctionReset(tables.bus).restore(found.description, wait: { wait($0, ticks) }) else {
                SerialPort.log.print(
                    LogLine("bulkhead: PCI function %x does not answer as before; its partition stays without it", id))
                continue
            }
            found.interrupts = interrupts.blocks[i][n]
            if found.description.isUSB { tables.bus.write(found.description.requester, 4, size: 2, 1 << 1) }
            do throws(GuestBusError) {
                try functions.value.append(found, through: window) { wait($0, ticks) }
            } catch {
                guard error == .badCapabilities else { throw .mappedAlready }
                SerialPort.log.print(
                    LogLine("bulkhead: PCI function %x has no usable capabilities; its partition stays without it", id))
            }
        }
        do throws(GuestBusError) {
            if manifest.partitions[i].virtio.contains(.console) { try functions.value.guest.append(.console) }
            if manifest.partitions[i].virtio.contains(.control) {
                try functions.value.guest.append(.control())
            }
            try appendWires(i, to: functions)
        } catch { throw .mappedAlready }
        return functions
    }
}

extension PartitionFunctions {
    static let uncached = Access.readWrite.with(.uncacheable)

    /// The functions' registers into a guest's address space, but for the pages in which accesses are trapped.
    func map<Format: PageTableFormat>(
        into nested: inout PageTable<Format>, arena: inout FrameArena
    ) throws(PageTableError) {
        try forEachRun { (_, guest, machine, size, isTrapped) throws(PageTableError) in
            if !isTrapped { try nested.map(guest, to: machine, size: size, Self.uncached, arena: &arena) }
        }
    }

    /// What a core of the partition reaches itself: its functions' configuration space and the pages that are trapped.
    func map(
        forCore table: inout PageTable<LongModeFormat>, arena: inout FrameArena
    ) throws(PageTableError) {
        try mapWires(forCore: &table, arena: &arena)
        for i in 0..<guest.count {
            let description = guest.functions[i].description
            let page = bus.page(of: description.requester), bridge = bus.page(of: description.bridge)
            try table.map(page, to: page, size: 4096, Self.uncached, arena: &arena)
            guard description.reset == .bus, table.translate(bridge) == nil else { continue }
            try table.map(bridge, to: bridge, size: 4096, Self.uncached, arena: &arena)
        }
        try forEachRun { (_, _, machine, size, isTrapped) throws(PageTableError) in
            if isTrapped { try table.map(machine, to: machine, size: size, Self.uncached, arena: &arena) }
        }
    }

    /// The pages of all registers, in runs in which either all accesses are trapped or none: whose they are, where the guest
    /// has them, where the machine has them, and how many bytes.
    func forEachRun<Failure: Error>(
        _ found: (Int, UInt64, UInt64, UInt64, _ isTrapped: Bool) throws(Failure) -> Void
    ) throws(Failure) {
        for i in 0..<guest.count {
            for bar in 0..<6 {
                guard let pages = guest.functions[i].pages(bar) else { continue }
                let end = pages.guest + pages.size
                var at = pages.guest
                while at < end {
                    let hole = guest.functions[i].trapped(from: at).clamped(to: at..<end), isTrapped = hole.contains(at)
                    let next = isTrapped ? hole.upperBound : hole.isEmpty ? end : hole.lowerBound
                    try found(i, at, pages.machine + (at - pages.guest), next - at, isTrapped)
                    at = next
                }
            }
        }
    }
}
