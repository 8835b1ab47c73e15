import Manifest
import Platform
import Silicon
import X86

extension MachineBuilder {
    /// Finds what the manifest gives to partitions on the machine's bus, while the firmware runs.
    mutating func findFunctions(_ firmware: borrowing Firmware) throws(Refusal) {
        do throws(FirmwareError) {
            let size = MemoryLayout<InlineArray<64, FunctionDescription>>.size
            owned = Shared(at: try firmware.allocate(UInt64(size), .anywhere))
        } catch { throw Refusal(error, "memory for what PCI functions are") }
        owned.initialize(to: InlineArray(repeating: FunctionDescription()))
        let owned = owned
        BusScan(tables.bus).forEach { function in
            for i in 0..<manifest.partitionCount {
                let devices = manifest.partitions[i].devices
                for n in 0..<devices.count where devices.devices[n].address.requester == function.requester {
                    owned.value[i * 8 + n] = function
                }
            }
        }
        try requireOwnPages()
    }

    /// Registers are given away in pages: refuses functions that have some in one page with another's.
    private func requireOwnPages() throws(Refusal) {
        var clash: (UInt16, UInt16)?
        let owned = owned
        BusScan(tables.bus).forEach { function in
            for i in 0..<64 where owned.value[i].vendor != 0 && owned.value[i].requester != function.requester {
                if owned.value[i].sharesPage(with: function) { clash = (owned.value[i].requester, function.requester) }
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

    /// Ends what firmware's drivers left their devices doing, owned or not.
    func silenceFunctions() {
        let reset = FunctionReset(tables.bus)
        BusScan(tables.bus).forEach { reset.silence($0) }
    }

    /// What partition `i` has of the bus, in its own block; nil when it owns nothing there.
    mutating func buildFunctions(
        _ i: Int, _ platform: PlatformDescription, _ arena: inout FrameArena
    ) throws(PageTableError) -> Shared<PartitionFunctions>? {
        let devices = manifest.partitions[i].devices
        guard devices.count > 0 else { return nil }
        let functions = Shared<PartitionFunctions>(at: try take(PartitionFunctions.self, &arena))
        functions.initialize(to: PartitionFunctions(tables.bus, platform))
        let reset = FunctionReset(tables.bus)
        for n in 0..<devices.count {
            let found = owned.value[i * 8 + n]
            var method = reset.method(of: found)
            if method == .none, found.bridge != 0 { method = .bus }
            do throws(GuestBusError) {
                try functions.value.append(
                    found, virtualFunctions: Int(devices.devices[n].virtualFunctions), interrupts[i][n], method,
                    through: FunctionWindow(functions: functions))
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
            if resets[i] == .bus, table.translate(bus.page(of: description.bridge)) == nil {
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
