import CBOR
import PCI

extension Manifest {
    /// Replaces this manifest by the one that `bytes` encode, decoded and validated: after a throw it is empty.
    ///
    /// Bounded and without a heap. The result is filled in place because it is several KiB, a good part of a boot
    /// stack. Accepts exactly what `encode` writes for a valid manifest.
    public mutating func decode(_ bytes: Span<UInt8>) throws(ManifestError) {
        do throws(ManifestError) {
            try decodeFields(bytes)
            try validate()
        } catch {
            removeAllPartitions()
            throw error
        }
    }

    /// As `decode`, but without validation, and with what was read left in place when it throws.
    mutating func decodeFields(_ bytes: Span<UInt8>) throws(ManifestError) {
        removeAllPartitions()
        guard bytes.count <= Self.maxEncodedSize else {
            throw ManifestError(.tooLarge, .whole, value: UInt64(bytes.count), bound: UInt64(Self.maxEncodedSize))
        }
        var source = ManifestSource(bytes)
        var map = try source.map()
        try source.key(ManifestKey.version, &map)
        let version = try source.uint()
        guard version == Self.formatVersion else {
            throw ManifestError(.unsupportedVersion, .whole, value: version, bound: Self.formatVersion)
        }
        try source.key(ManifestKey.name, &map)
        try source.text(&name)
        try source.key(ManifestKey.machineCores, &map)
        machineCores = Int(try source.uint(max: UInt64(UInt16.max)))
        try source.key(ManifestKey.machineMemory, &map)
        machineMemory = try source.uint()
        try source.key(ManifestKey.housekeeping, &map)
        housekeeping = Int(try source.uint(max: UInt64(UInt16.max)))
        try source.key(ManifestKey.link, &map)
        let rawLink = try source.uint()
        guard let link = UInt8(exactly: rawLink).flatMap(ManagementLink.init) else {
            throw ManifestError(.unknownValue, .link, value: rawLink, bound: ManifestKey.link)
        }
        self.link = link
        try source.key(ManifestKey.partitions, &map)
        let count = try source.array()
        guard count <= Self.maxPartitions else {
            let bound = UInt64(Self.maxPartitions)
            throw ManifestError(.tooManyPartitions, .partitions, value: UInt64(count), bound: bound)
        }
        for i in 0..<count {
            source.partition = i
            appendEmptyPartition()
            try decodePartition(i, &source)
        }
        source.partition = nil
        try source.end(&map)
        try source.finish()
    }

    private mutating func decodePartition(_ i: Int, _ source: inout ManifestSource) throws(ManifestError) {
        var map = try source.map()
        try source.key(PartitionKey.name, &map)
        try source.text(&partitions[i].name)
        try source.key(PartitionKey.cores, &map)
        partitions[i].cores = CoreSet(rawValue: try source.uint())
        try source.key(PartitionKey.memorySize, &map)
        partitions[i].memorySize = try source.uint()
        try source.key(PartitionKey.memoryBase, &map)
        partitions[i].memoryBase = try source.uint()
        try source.key(PartitionKey.image, &map)
        try source.text(&partitions[i].image)
        try source.key(PartitionKey.initrd, &map)
        try source.text(&partitions[i].initrd)
        try source.key(PartitionKey.commandLine, &map)
        try source.text(&partitions[i].commandLine)
        try source.key(PartitionKey.console, &map)
        partitions[i].console = try source.bool()
        try source.key(PartitionKey.autostart, &map)
        partitions[i].autostart = try source.bool()
        partitions[i].onPoweroff = try source.action(PartitionKey.onPoweroff, .onPoweroff, &map)
        partitions[i].onReboot = try source.action(PartitionKey.onReboot, .onReboot, &map)
        partitions[i].onCrash = try source.action(PartitionKey.onCrash, .onCrash, &map)
        try source.key(PartitionKey.permits, &map)
        partitions[i].permits = ControlOperations(rawValue: UInt16(try source.uint(max: UInt64(UInt16.max))))
        var key = try source.next(&map)
        if key == PartitionKey.devices {
            try decodeDevices(i, &source)
            key = try source.next(&map)
        }
        if key == PartitionKey.accepts {
            let accepts = try source.uint(max: UInt64(UInt8.max))
            guard accepts > 0 else { throw source.none(.accepts, key: PartitionKey.accepts) }
            partitions[i].accepts = Acceptances(rawValue: UInt8(accepts))
            key = try source.next(&map)
        }
        if let key { throw ManifestError(.unknownKey, .whole, partition: i, value: key) }
    }

    private mutating func decodeDevices(_ i: Int, _ source: inout ManifestSource) throws(ManifestError) {
        let count = try source.array()
        guard count > 0 else { throw source.none(.devices, key: PartitionKey.devices) }
        guard count <= DeviceList.capacity else {
            let bound = UInt64(DeviceList.capacity)
            throw ManifestError(.tooManyDevices, .devices, partition: i, value: UInt64(count), bound: bound)
        }
        for _ in 0..<count {
            var device = DeviceSpec()
            try source.array(of: 5)
            device.address = FunctionAddress(requester: UInt16(try source.uint(max: UInt64(UInt16.max))))
            device.vendor = UInt16(try source.uint(max: UInt64(UInt16.max)))
            device.device = UInt16(try source.uint(max: UInt64(UInt16.max)))
            device.virtualFunctions = UInt8(try source.uint(max: UInt64(UInt8.max)))
            device.acceptsNoReset = try source.bool()
            partitions[i].devices.append(device)
        }
    }
}
