import CBOR
import Manifest
import PCI
import Resources
import Text
import Trust

extension Manifest {
    /// Writes the deterministic CBOR form into `buffer` and returns its length, at most `maxEncodedSize`. The manifest
    /// should have been validated; `bufferFull` and `invalidText` are the errors that can occur.
    public borrowing func encode(into buffer: consuming MutableSpan<UInt8>) throws(CBORError) -> Int {
        var writer = CBORWriter(buffer)
        let own = housekeepingResources
        let optional = [!own.isEmpty, !requires.isEmpty, channelCount != 0, securityVersion != 0].count { $0 }
        writer.map(7 + optional)
        writer.key(ManifestKey.version)
        writer.uint(Self.formatVersion)
        writer.key(ManifestKey.name)
        writer.text(name)
        writer.key(ManifestKey.machineCores)
        writer.uint(UInt64(clamping: machineCores))
        writer.key(ManifestKey.machineMemory)
        writer.uint(machineMemory)
        writer.key(ManifestKey.housekeeping)
        writer.uint(UInt64(clamping: housekeeping))
        writer.key(ManifestKey.link)
        writer.uint(UInt64(link.rawValue))
        writer.key(ManifestKey.partitions)
        writer.array(partitionCount)
        for i in 0..<partitionCount { partitions[i].encode(&writer) }
        if !own.isEmpty { writer.resources(ManifestKey.housekeepingResources, own) }
        if !requires.isEmpty {
            writer.key(ManifestKey.requires)
            writer.uint(UInt64(requires.rawValue))
        }
        if channelCount > 0 {
            writer.key(ManifestKey.channels)
            writer.array(channelCount)
            for i in 0..<channelCount { channels[i].encode(&writer) }
        }
        if securityVersion != 0 {
            writer.key(ManifestKey.securityVersion)
            writer.uint(securityVersion)
        }
        return try writer.finish()
    }
}

extension ChannelSpec {
    /// An array: name, MTU, two ends, each one an array of partition, MAC, kicks, rate and, where it is sealed, true.
    fileprivate borrowing func encode(_ writer: inout CBORWriter) {
        writer.array(4)
        writer.text(name)
        writer.uint(UInt64(mtu))
        for i in 0..<2 {
            writer.array(ends[i].isSealed ? 5 : 4)
            writer.uint(UInt64(clamping: ends[i].partition))
            writer.uint(ends[i].mac)
            writer.uint(UInt64(ends[i].kick))
            writer.uint(UInt64(ends[i].rate))
            if ends[i].isSealed { writer.bool(true) }
        }
    }
}

/// Of one partition: what is reached through the manifest's array is copied with all of it, each time, where the compiler does not
/// optimize.
extension PartitionSpec {
    fileprivate borrowing func encode(_ writer: inout CBORWriter) {
        let hasDevices = devices.count > 0
        let counts = [
            (PartitionKey.watchdog, UInt64(watchdog)),
            (PartitionKey.restartLimit, UInt64(restartLimit)),
            (PartitionKey.virtio, UInt64(virtio.rawValue)),
        ].filter { $0.1 != 0 }
        let optional = [
            hasDevices, !accepts.isEmpty, digests != nil, !resources.isEmpty, watch.response != .off, secret != nil,
            tpm,
        ].count { $0 }
        writer.map(13 + optional + counts.count)
        writer.key(PartitionKey.name)
        writer.text(name)
        writer.key(PartitionKey.cores)
        writer.uint(cores.rawValue)
        writer.key(PartitionKey.memorySize)
        writer.uint(memorySize)
        writer.key(PartitionKey.memoryBase)
        writer.uint(memoryBase)
        writer.key(PartitionKey.image)
        writer.text(image)
        writer.key(PartitionKey.initrd)
        writer.text(initrd)
        writer.key(PartitionKey.commandLine)
        writer.text(commandLine)
        writer.key(PartitionKey.console)
        writer.bool(console)
        writer.key(PartitionKey.autostart)
        writer.bool(autostart)
        writer.key(PartitionKey.onPoweroff)
        writer.uint(UInt64(onPoweroff.rawValue))
        writer.key(PartitionKey.onReboot)
        writer.uint(UInt64(onReboot.rawValue))
        writer.key(PartitionKey.onCrash)
        writer.uint(UInt64(onCrash.rawValue))
        writer.key(PartitionKey.permits)
        writer.uint(UInt64(permits.rawValue))
        if hasDevices { encodeDevices(&writer) }
        if !accepts.isEmpty {
            writer.key(PartitionKey.accepts)
            writer.uint(UInt64(accepts.rawValue))
        }
        for (key, value) in counts {
            writer.key(key)
            writer.uint(value)
        }
        if let digests {
            writer.key(PartitionKey.digests)
            writer.array(3)
            for digest in [digests.kernel, digests.initrd, digests.sites] { writer.digest(digest) }
        }
        if !resources.isEmpty { writer.resources(PartitionKey.resources, resources) }
        if watch.response != .off {
            writer.key(PartitionKey.watch)
            writer.array(2)
            writer.uint(UInt64(watch.response.rawValue))
            writer.uint(UInt64(watch.lockAfter))
        }
        if tpm {
            writer.key(PartitionKey.tpm)
            writer.uint(1)
        }
        if let secret {
            writer.key(PartitionKey.secret)
            writer.digest(secret)
        }
    }

    /// Each device is an array: address, vendor, device, virtual functions, whether no reset is accepted.
    private borrowing func encodeDevices(_ writer: inout CBORWriter) {
        writer.key(PartitionKey.devices)
        writer.array(devices.count)
        for k in 0..<devices.count {
            let device = devices[k]
            writer.array(5)
            writer.uint(UInt64(device.address.requester))
            writer.uint(UInt64(device.vendor))
            writer.uint(UInt64(device.device))
            writer.uint(UInt64(device.virtualFunctions))
            writer.bool(device.acceptsNoReset)
        }
    }
}

extension CBORWriter {
    fileprivate mutating func resources(_ key: UInt64, _ demand: ResourceDemand) {
        self.key(key)
        array(4)
        uint(UInt64(demand.l3.rawValue))
        uint(UInt64(demand.l2.rawValue))
        uint(UInt64(demand.bandwidth.rawValue))
        uint(UInt64(demand.memoryKey.rawValue))
    }

    fileprivate mutating func text<let n: Int>(_ value: Text<n>) {
        text(count: value.count) { value.bytes[$0] }
    }
}

extension CBORWriter {
    fileprivate mutating func digest(_ digest: Digest384) {
        let bytes = (0..<Digest384.bytes).map { digest[$0] }
        self.bytes(bytes.span)
    }
}
