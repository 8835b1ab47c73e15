import PCI
import Text

extension Manifest {
    /// Refuses devices that this machine cannot give, or cannot keep apart.
    borrowing func checkDevices(against machine: borrowing MachineFacts) throws(ManifestError) {
        for i in 0..<partitionCount {
            for k in 0..<partitions[i].devices.count {
                guard machine.usableIOMMU else { throw ManifestError(.noIOMMU, partition: i) }
                let device = partitions[i].devices[k]
                try check(device, of: i, machine)
                try checkGroup(device.address, of: i, machine)
            }
        }
    }

    private static func refusal(
        _ reason: ManifestError.Reason, _ device: DeviceSpec, of i: Int, other: Int? = nil, bound: UInt64 = 0
    ) -> ManifestError {
        let value = UInt64(device.address.requester)
        return ManifestError(reason, partition: i, other: other, value: value, bound: bound)
    }

    private borrowing func check(
        _ device: DeviceSpec, of i: Int, _ machine: borrowing MachineFacts
    ) throws(ManifestError) {
        var found: FunctionDescription
        if let index = machine.functions.index(of: device.address) {
            found = machine.functions.functions[index]
        } else if let physical = machine.functions.physicalFunction(of: device.address) {
            found = machine.functions.functions[physical.index]
            guard virtualFunctions(of: found.address) > physical.number else {
                let bound = UInt64(found.address.requester) << 32 | UInt64(physical.number + 1)
                throw Self.refusal(.virtualFunctionDisabled, device, of: i, bound: bound)
            }
            // Function level reset is mandatory for virtual functions (PCI Express Base 6.0, section 9.4.2.2).
            found.reset = .functionLevel
            found.device = found.virtualDevice
            found.virtualTotal = 0
        } else {
            throw Self.refusal(.deviceAbsent, device, of: i)
        }
        if found.isOfTheMachine { throw Self.refusal(.deviceIsBridge, device, of: i) }
        if found.isReserved { throw Self.refusal(.deviceReserved, device, of: i) }
        let isOther = device.vendor != 0 && device.vendor != found.vendor
        if isOther || device.device != 0 && device.device != found.device {
            let actual = UInt64(found.vendor) << 16 | UInt64(found.device)
            let wanted = UInt64(device.vendor) << 16 | UInt64(device.device)
            throw Self.refusal(.deviceOther, device, of: i, bound: actual << 32 | wanted)
        }
        if UInt16(device.virtualFunctions) > found.virtualTotal {
            throw Self.refusal(.tooManyVirtualFunctions, device, of: i, bound: UInt64(found.virtualTotal))
        }
        if found.reset == .none, !device.acceptsNoReset { throw Self.refusal(.noReset, device, of: i) }
        guard found.reset == .bus else { return }
        // All buses behind the bridge: virtual functions may be on one beyond their physical function's.
        let buses = device.address.bus...max(device.address.bus, found.lastBus)
        for j in 0..<partitionCount where j != i {
            for k in 0..<partitions[j].devices.count {
                let other = partitions[j].devices[k].address
                guard buses.contains(other.bus) else { continue }
                throw Self.refusal(.resetShared, device, of: i, other: j, bound: UInt64(other.requester))
            }
        }
    }

    /// How many virtual functions the owner of a physical function enables.
    private borrowing func virtualFunctions(of physical: FunctionAddress) -> Int {
        guard let i = owner(of: physical) else { return 0 }
        return Int(partitions[i].devices.first { $0.address == physical }?.virtualFunctions ?? 0)
    }

    /// A group belongs to one owner: within it, functions may reach each other past the IOMMU.
    private borrowing func checkGroup(
        _ address: FunctionAddress, of i: Int, _ machine: borrowing MachineFacts
    ) throws(ManifestError) {
        let group = machine.functions.group(of: address)
        for j in 0..<i {
            for k in 0..<partitions[j].devices.count {
                let other = partitions[j].devices[k].address
                guard machine.functions.group(of: other) == group else { continue }
                throw ManifestError(
                    .groupSplit, partition: i, other: j, value: UInt64(address.requester),
                    bound: UInt64(other.requester))
            }
        }
    }

    /// Refuses threads of one physical core with two owners, unless each of the partitions accepts it. Who answers
    /// managers is an owner too.
    borrowing func checkSiblings(on machine: borrowing MachineFacts) throws(ManifestError) {
        for i in 0..<partitionCount where !partitions[i].accepts.contains(.splitSMT) {
            let own = partitions[i].cores
            for core in 0..<64 where own.contains(CoreSet(core: core)) {
                for sibling in 0..<64 where machine.siblings[sibling] == machine.siblings[core] {
                    guard !own.contains(CoreSet(core: sibling)), machine.cores.contains(CoreSet(core: sibling))
                    else { continue }
                    let other = owner(ofCore: sibling)
                    if other == nil, sibling != housekeeping { continue }
                    throw ManifestError(
                        other == nil ? .siblingOfHousekeeping : .siblingsSplit, partition: i, other: other,
                        value: UInt64(core), bound: UInt64(sibling))
                }
            }
        }
    }

    /// The index of the partition that owns the core; nil when none does.
    public borrowing func owner(ofCore core: Int) -> Int? {
        for i in 0..<partitionCount where partitions[i].cores.contains(CoreSet(core: core)) { return i }
        return nil
    }
}

extension ManifestError {
    /// As `describe`, and where an isolation group is split, with its members.
    public func describe<S: ByteSink & ~Copyable>(
        _ manifest: borrowing Manifest, on machine: borrowing MachineFacts, to sink: inout S
    ) {
        describe(manifest, to: &sink)
        guard reason == .groupSplit else { return }
        let group = machine.functions.group(of: FunctionAddress(requester: UInt16(truncatingIfNeeded: value)))
        sink.write("; the group is")
        // A line holds eight; who wants more asks for the inventory.
        var room = 8
        for i in 0..<machine.functions.count where machine.functions.functions[i].group == group {
            if room == 0 { return sink.write(" ...") }
            room -= 1
            sink.write(" ")
            sink.write(machine.functions.functions[i].address)
        }
    }
}
