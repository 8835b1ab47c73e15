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
        let bus = machine.tables.bus
        var groups = IsolationGroups()
        BusScan(bus).forEach {
            groups.add($0, on: bus)
            note(&$0, alias: groups.alias(of: $0))
        }
        for i in 0..<manifest.partitionCount {
            for n in 0..<manifest.partitions[i].devices.count {
                let count = Int(manifest.partitions[i].devices.devices[n].virtualFunctions)
                if count > 0 { try requireVirtualFunctions(count, of: owned.value[i * 8 + n].description) }
            }
        }
    }

    private func requireVirtualFunctions(_ count: Int, of physical: FunctionDescription) throws(Refusal) {
        do throws(VirtualFunctionError) {
            let virtual = try VirtualFunctions(of: physical, on: machine.tables.bus)
            try virtual.require(count, lastBus: lastBus(for: physical))
            for k in 0..<count
            where machine.facts.functions.index(of: FunctionAddress(requester: virtual.requester(k))) != nil {
                throw .noBus
            }
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

    /// The last bus that firmware has put behind the bridge above a function.
    private func lastBus(for function: borrowing FunctionDescription) -> UInt8 {
        function.bridge == 0 ? 0 : UInt8(truncatingIfNeeded: machine.tables.bus.read(function.bridge, 0x1A, size: 1))
    }

    private func note(_ function: inout FunctionDescription, alias: UInt16?) {
        function.alias = alias
        for i in 0..<manifest.partitionCount {
            for n in 0..<manifest.partitions[i].devices.count
            where manifest.partitions[i].devices.devices[n].address.requester == function.requester {
                owned.value[i * 8 + n].description = function
            }
        }
    }

    /// Makes the virtual functions that the manifest asks for, once the firmware is gone, of physical functions that were
    /// reset before.
    func enableVirtualFunctions() {
        let bus = machine.tables.bus, ticks = machine.tscKHz
        for place in 0..<64 {
            let devices = manifest.partitions[place / 8].devices
            guard place % 8 < devices.count, devices.devices[place % 8].virtualFunctions > 0 else { continue }
            let count = Int(devices.devices[place % 8].virtualFunctions)
            let physical = owned.value[place].description
            // Read before the reset, which clears the addresses of their registers.
            guard let virtual = try? VirtualFunctions(of: physical, on: bus),
                (try? virtual.require(count, lastBus: lastBus(for: physical))) != nil
            else { continue }
            let method: ResetMethod = physical.hasFunctionReset ? .functionLevel : .none
            _ = FunctionReset(bus).reset(physical, by: method) { wait($0, ticks) }
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
}

extension DiscoveredMachine {
    /// Ends what firmware's drivers left their devices doing, owned or not, and makes ports keep them apart.
    func silenceFunctions() {
        let reset = FunctionReset(tables.bus)
        let bus = tables.bus
        BusScan(bus).forEach {
            reset.silence($0)
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
            let index = plan.machine.facts.functions.index(of: FunctionAddress(requester: found.description.requester))
            let known = index.map { plan.machine.facts.functions.functions[$0].reset.rawValue }
            found.reset = known.flatMap { ResetMethod(rawValue: $0) } ?? .functionLevel
            found.interrupts = interrupts.blocks[i][n]
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
