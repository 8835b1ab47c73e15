import Manifest
import PCI
import Platform
import Silicon
import Text
import X86

extension OwnedFunction {
    /// Eight places for each partition.
    static func allocate(_ firmware: borrowing Firmware) throws(Refusal) -> Pointer<InlineArray<64, OwnedFunction>> {
        let places: Pointer<InlineArray<64, OwnedFunction>>
        do throws(FirmwareError) {
            let size = UInt64(MemoryLayout<InlineArray<64, OwnedFunction>>.size)
            places = Pointer(at: try firmware.allocate(size, .anywhere))
        } catch { throw Refusal(error, "memory for what PCI functions are") }
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
            ? manifest.partitions[place / 8].devices.devices[n] : nil
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
        } catch {
            var line = LogLine("PCI function ")
            line.write(hexadecimal: UInt64(physical.requester))
            switch error {
            case .absent, .tooMany: line.write(" (requester id) has not so many virtual functions")
            case .enabled: line.write(" (requester id) has virtual functions that the firmware has enabled")
            case .noBus: line.write(" (requester id): firmware has left no bus numbers for its virtual functions")
            case .noAddresses: line.write(" (requester id): firmware has left no memory for its virtual functions")
            }
            throw Refusal(line)
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

extension DiscoveredMachine {
    /// Ends what firmware's drivers left their devices doing, owned or not, and makes ports keep them apart.
    func silenceFunctions() {
        let reset = FunctionReset(tables.bus)
        let bus = tables.bus
        BusScan(bus).forEach {
            reset.silence($0)
            VirtualFunctions.disable(of: $0, on: bus)
            AccessControl.enable($0, on: bus)
        }
    }
}

extension BuiltMachine {
    /// What partition `i` has of the bus, in its own block; nil when it owns nothing there.
    func buildFunctions(
        _ i: Int, _ platform: PlatformDescription, _ arena: inout FrameArena
    ) throws(PageTableError) -> Pointer<PartitionFunctions>? {
        let devices = manifest.partitions[i].devices
        guard devices.count > 0 else { return nil }
        let functions = Pointer<PartitionFunctions>(at: try take(PartitionFunctions.self, &arena))
        functions.initialize(to: PartitionFunctions(tables.bus, platform))
        for n in 0..<devices.count {
            var found = plan.owned.value[i * 8 + n]
            guard found.description.vendor != 0 else {
                var line = LogLine("bulkhead: virtual function ")
                line.write(hexadecimal: UInt64(devices.devices[n].address.requester))
                line.write(" (requester id) does not answer; its partition stays without it")
                SerialPort.log.print(line)
                continue
            }
            found.interrupts = interrupts.blocks[i][n]
            do throws(GuestBusError) {
                try functions.value.append(found, through: FunctionWindow(functions: functions))
            } catch { throw .mappedAlready }
        }
        return functions
    }
}

extension PartitionFunctions {
    /// The functions' registers into a guest's address space, but for the pages in which accesses are trapped.
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
            if description.reset == .bus, table.translate(bus.page(of: description.bridge)) == nil {
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
