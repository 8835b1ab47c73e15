import PCI

/// The rules for the PCI functions of partitions, whatever the machine.
extension Manifest {
    borrowing func checkDevices(_ i: Int, _ report: (ManifestError) -> Void) {
        for k in 0..<partitions[i].devices.count {
            let device = partitions[i].devices.devices[k]
            let address = UInt64(device.address.requester)
            for other in 0..<k where partitions[i].devices.devices[other].address == device.address {
                report(ManifestError(.deviceNamedTwice, .devices, partition: i, value: address))
                break
            }
            if Int(device.virtualFunctions) > Self.maxVirtualFunctions {
                let bound = address << 32 | UInt64(Self.maxVirtualFunctions)
                let value = UInt64(device.virtualFunctions)
                report(
                    ManifestError(.virtualFunctionsOutOfRange, .devices, partition: i, value: value, bound: bound))
            }
        }
        let unknown = partitions[i].accepts.rawValue & ~Acceptances.all.rawValue
        if unknown != 0 {
            report(ManifestError(.unknownAcceptance, .accepts, partition: i, value: UInt64(unknown)))
        }
    }

    /// A function that partition `j` and the later partition `i` both name.
    borrowing func checkDeviceClash(_ j: Int, _ i: Int, _ report: (ManifestError) -> Void) {
        for k in 0..<partitions[i].devices.count {
            let address = partitions[i].devices.devices[k].address
            guard partitions[j].devices.contains(address) else { continue }
            let value = UInt64(address.requester)
            report(ManifestError(.deviceClaimedTwice, .devices, partition: i, other: j, value: value))
        }
    }

    /// The index of the partition that owns the function; nil when nobody does.
    public borrowing func owner(of address: FunctionAddress) -> Int? {
        for i in 0..<partitionCount where partitions[i].devices.contains(address) { return i }
        return nil
    }
}

extension DeviceList {
    public func contains(_ address: FunctionAddress) -> Bool { self[address] != nil }

    /// What the list says of a function; nil when it does not name it.
    public subscript(_ address: FunctionAddress) -> DeviceSpec? {
        for k in 0..<count where devices[k].address == address { return devices[k] }
        return nil
    }
}
