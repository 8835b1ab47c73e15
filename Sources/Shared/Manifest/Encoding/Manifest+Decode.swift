import CBOR
import PCI
import Resources
import Text
import Trust

extension Manifest {
    /// Replaces this manifest by the one that `bytes` encode: after a throw it has no partitions.
    ///
    /// Bounded and without a heap. The result is filled in place because it is several KiB, a good part of a boot stack.
    /// What is accepted has exactly these bytes as its encoding, and keeps what `forEachIsolationProblem` demands.
    public mutating func decode(_ bytes: Span<UInt8>) throws(ManifestError) {
        removeAllPartitions()
        guard bytes.count <= Self.maxEncodedSize else {
            throw ManifestError(.tooLarge, value: UInt64(bytes.count), bound: UInt64(Self.maxEncodedSize))
        }
        var source = ManifestSource(bytes)
        var first: ManifestError?
        do throws(CBORError) { try decode(&source) } catch { first = source.refusal(error) }
        if first == nil { forEachIsolationProblem { if first == nil { first = $0 } } }
        guard let first else { return }
        removeAllPartitions()
        throw first
    }

    private mutating func decode(_ source: inout ManifestSource) throws(CBORError) {
        var map = try source.map()
        let version = try source.uint(ManifestKey.version, &map)
        guard version == Self.formatVersion else {
            throw source.refuse(.unsupportedVersion, version, Self.formatVersion)
        }
        try source.text(ManifestKey.name, &map, into: &name)
        machineCores = Int(try source.uint(ManifestKey.machineCores, &map, max: UInt64(UInt16.max)))
        machineMemory = try source.uint(ManifestKey.machineMemory, &map)
        housekeeping = Int(try source.uint(ManifestKey.housekeeping, &map, max: UInt64(UInt16.max)))
        link = try source.choice(ManifestKey.link, &map)
        try source.key(ManifestKey.partitions, &map)
        for i in 0..<(try source.array(max: Self.maxPartitions, .tooManyPartitions)) {
            source.partition = i
            appendEmptyPartition()
            try decodePartition(i, &source)
        }
        source.partition = nil
        while let key = try map.next(&source.reader) {
            switch key {
            case ManifestKey.housekeepingResources: housekeepingResources = try source.resources(key, most: .none)
            case ManifestKey.requires: requires = try source.flags(key, of: .requirable, least: 1)
            case ManifestKey.channels: try decodeChannels(&source)
            case ManifestKey.securityVersion: securityVersion = try source.count(key, max: Self.maxSecurityVersion)
            default: throw source.refuse(.unknownKey, key)
            }
        }
        try source.reader.finish()
    }

    private mutating func decodePartition(_ i: Int, _ source: inout ManifestSource) throws(CBORError) {
        var map = try source.map()
        try source.text(PartitionKey.name, &map, into: &partitions[i].name)
        partitions[i].cores = CoreSet(rawValue: try source.uint(PartitionKey.cores, &map))
        partitions[i].memorySize = try source.uint(PartitionKey.memorySize, &map)
        partitions[i].memoryBase = try source.uint(PartitionKey.memoryBase, &map)
        try source.text(PartitionKey.image, &map, into: &partitions[i].image)
        try source.text(PartitionKey.initrd, &map, into: &partitions[i].initrd)
        try source.text(PartitionKey.commandLine, &map, into: &partitions[i].commandLine)
        partitions[i].console = try source.bool(PartitionKey.console, &map)
        partitions[i].autostart = try source.bool(PartitionKey.autostart, &map)
        partitions[i].onPoweroff = try source.choice(PartitionKey.onPoweroff, &map)
        partitions[i].onReboot = try source.choice(PartitionKey.onReboot, &map)
        partitions[i].onCrash = try source.choice(PartitionKey.onCrash, &map)
        try source.key(PartitionKey.permits, &map)
        partitions[i].permits = try source.flags(PartitionKey.permits, of: .all)
        // Keys rise, so that each of these comes once at the most.
        while let key = try map.next(&source.reader) {
            switch key {
            case PartitionKey.devices: try decodeDevices(i, &source)
            case PartitionKey.accepts: partitions[i].accepts = try source.flags(key, of: .all, least: 1)
            case PartitionKey.watchdog: partitions[i].watchdog = UInt16(try source.count(key, max: Self.maxWatchdog))
            case PartitionKey.restartLimit: partitions[i].restartLimit = UInt8(try source.count(key, max: 255))
            case PartitionKey.virtio: partitions[i].virtio = try source.flags(key, of: .all, least: 1)
            case PartitionKey.digests:
                var digests = ImageDigests()
                guard try source.reader.array(max: 3) == 3 else { throw .outOfRange }
                try source.digest(into: &digests.kernel)
                try source.digest(into: &digests.initrd)
                try source.digest(into: &digests.sites)
                partitions[i].digests = digests
            case PartitionKey.resources: partitions[i].resources = try source.resources(key, most: .required)
            case PartitionKey.watch:
                guard try source.reader.array(max: 2) == 2 else { throw .outOfRange }
                let value = try source.reader.uint()
                guard let response = WatchResponse(rawValue: UInt8(clamping: value)), response != .off else {
                    throw source.refuse(.unknownValue, value, key)
                }
                partitions[i].watch.response = response
                partitions[i].watch.lockAfter = UInt32(try source.reader.uint(max: UInt64(WatchSpec.maxLockAfter)))
            case PartitionKey.secret:
                var digest = Digest384()
                try source.digest(into: &digest)
                partitions[i].secret = digest
            case PartitionKey.tpm: partitions[i].tpm = try source.count(key, max: 1) == 1
            default: throw source.refuse(.unknownKey, key)
            }
        }
    }

    private mutating func decodeDevices(_ i: Int, _ source: inout ManifestSource) throws(CBORError) {
        let count = try source.array(max: DeviceList.capacity, .tooManyDevices)
        if count == 0 { throw source.refuse(.unknownValue, 0, PartitionKey.devices) }
        for _ in 0..<count {
            var device = DeviceSpec()
            guard try source.reader.array(max: 5) == 5 else { throw .outOfRange }
            device.address.requester = UInt16(try source.reader.uint(max: UInt64(UInt16.max)))
            device.vendor = UInt16(try source.reader.uint(max: UInt64(UInt16.max)))
            device.device = UInt16(try source.reader.uint(max: UInt64(UInt16.max)))
            device.virtualFunctions = UInt8(try source.reader.uint(max: UInt64(Self.maxVirtualFunctions)))
            device.acceptsNoReset = try source.reader.bool()
            _ = partitions[i].devices.append(device)
        }
    }

    private mutating func decodeChannels(_ source: inout ManifestSource) throws(CBORError) {
        let count = try source.reader.array(max: Self.maxChannels)
        if count == 0 { throw source.refuse(.unknownValue, 0, ManifestKey.channels) }
        for _ in 0..<count {
            var channel = ChannelSpec()
            guard try source.reader.array(max: 4) == 4 else { throw .outOfRange }
            try source.text(into: &channel.name)
            channel.mtu = UInt16(try source.reader.uint(max: UInt64(ChannelSpec.maxMTU)))
            guard channel.isMemory || channel.isPort || channel.mtu >= ChannelSpec.minMTU else { throw .outOfRange }
            for end in 0..<2 {
                let count = try source.reader.array(max: 5)
                guard count >= 4 else { throw .outOfRange }
                channel.ends[end].partition = Int(try source.reader.uint(max: UInt64(Self.maxPartitions - 1)))
                channel.ends[end].mac = try source.reader.uint(max: 1 << 48 - 1)
                channel.ends[end].kick = UInt32(try source.reader.uint(max: UInt64(ChannelSpec.maxKicks)))
                channel.ends[end].rate = UInt32(try source.reader.uint(max: UInt64(UInt32.max)))
                channel.ends[end].isSealed = count == 5
                let isWire = channel.mtu >= ChannelSpec.minMTU && !channel.name.isEmpty
                if count == 5, try !source.reader.bool() || !isWire { throw .outOfRange }
            }
            append(channel)
        }
    }
}
