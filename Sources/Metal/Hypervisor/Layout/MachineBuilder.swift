import Manifest
import Platform
import Records
import Remapping
import Silicon
import Synchronization
import Text

/// What is found, read and allocated while the firmware runs, and built once it is gone.
struct MachineBuilder: ~Copyable {
    let tables: FirmwareTables
    let entryTSC: UInt64
    var bootTime: UInt64 = 0
    var tscKHz: UInt64 = 0
    /// TSC ticks spent waiting for the boot volume.
    var readTicks: UInt64 = 0
    var ownership: Ownership
    var manifest = Manifest()
    /// CRC32C of the manifest as it lies on the boot volume.
    var manifestChecksum: UInt32 = 0
    var facts: MachineFacts
    var files: [8 of (kernel: LoadedFile, initrd: LoadedFile)]
    /// One for each partition, then the housekeeping core's.
    var blocks: [9 of PrivateBlock] = .init(repeating: PrivateBlock())
    /// By core index; 0 where a core has no part in the manifest.
    var coreStates: [64 of UInt64] = .init(repeating: 0)
    var pageTables: [64 of UInt64] = .init(repeating: 0)
    var controlPages: [8 of UInt64] = .init(repeating: 0)
    /// The functions that partitions own, 8 places for each partition.
    var owned = Pointer<InlineArray<64, OwnedFunction>>(at: 0)
    var memory: MemoryPlan?
    /// nil where the machine has none that is usable.
    var iommu: IOMMU?
    /// Of each partition's functions, in the manifest's order.
    var interrupts: [8 of [8 of InterruptBlock]]
    /// What rings the housekeeping core when something comes over the link; nil where nothing can.
    var linkEntry: RedirectionEntry?
    var faultLog: Pointer<FaultLog>?
    private var mapBuffer: (address: UInt64, size: UInt64) = (0, 0)
    /// What the firmware's map has in `mapBuffer`, in bytes, and its descriptors' distance.
    private var map: (size: UInt64, stride: UInt64) = (0, 0)

    init(tables: FirmwareTables, entryTSC: UInt64) {
        self.tables = tables
        self.entryTSC = entryTSC
        ownership = Ownership(tables)
        facts = MachineFacts(coreCount: tables.processorCount)
        files = .init(repeating: (LoadedFile(), LoadedFile()))
        interrupts = .init(repeating: .init(repeating: InterruptBlock()))
        iommu = IOMMU.find(tables)
    }

    /// Reads `\BULKHEAD\manifest.cbor`, holds it against the machine, and takes the partitions' memory.
    mutating func readManifest(_ firmware: borrowing Firmware) throws(Refusal) {
        let file: LoadedFile
        do throws(FirmwareError) {
            let volume = try BootVolume(firmware)
            file = try volume.read(Manifest.fileName, limit: UInt64(Manifest.maxEncodedSize), firmware)
        } catch {
            throw Refusal(error, "\\BULKHEAD\\manifest.cbor")
        }
        do throws(FirmwareError) { try readMemoryMap(firmware) } catch { throw Refusal(error, "the memory map") }
        gatherFacts()
        let plan: MemoryPlan
        do throws(ManifestError) {
            let encoded = unsafe bytes(file.address, file.size)
            let content = unsafe Span(_unsafeElements: encoded.assumingMemoryBound(to: UInt8.self))
            manifestChecksum = CRC32C(content).value
            try manifest.decode(content)
            plan = try manifest.check(against: facts)
        } catch {
            var line = LogLine("R")
            line.write(decimal: UInt64(error.reason.rawValue))
            line.write(" ")
            error.describe(manifest, on: facts, to: &line)
            throw Refusal(line)
        }
        memory = plan
        try findFunctions(firmware)
        for i in 0..<manifest.partitionCount {
            if manifest.partitions[i].cores.count > ControlPage.maxVCPUs {
                throw Refusal("a partition has more than 16 cores")
            }
            do throws(FirmwareError) {
                _ = try firmware.allocate(plan.ranges[i].size, .at(plan.ranges[i].base))
            } catch {
                throw Refusal(error, "taking a partition's memory")
            }
        }
    }

    /// Conventional memory of at least 1 MiB upwards is free for partitions.
    private mutating func readMemoryMap(_ firmware: borrowing Firmware) throws(FirmwareError) {
        mapBuffer = (try firmware.allocate(Self.mapSize, .anywhere), Self.mapSize)
        let found = try firmware.memoryMap(buffer: mapBuffer.address, size: mapBuffer.size)
        map = (found.size, found.stride)
        var installed: UInt64 = 0
        var free = FreeMemory()
        forEachMemory { type, range in
            let size = range.upperBound - range.lowerBound
            // Loader, boot services and conventional memory make up what is installed (UEFI 2.10, table 7.10).
            if (1...7).contains(type) || (9...10).contains(type) { installed += size }
            if type == 7 && range.lowerBound >= 0x10_0000 { free.add(MemoryRange(base: range.lowerBound, size: size)) }
        }
        facts.installedMemory = installed
        facts.free = free
    }

    /// Calls `found` with the type and the addresses of each descriptor of the firmware's map as `readManifest` found it.
    func forEachMemory(_ found: (UInt32, Range<UInt64>) -> Void) {
        var at = mapBuffer.address
        while at + map.stride <= mapBuffer.address + map.size {
            let start: UInt64 = load(at + 8)
            let (end, isBeyond) = start.addingReportingOverflow(load(at + 24, as: UInt64.self) << 12)
            found(load(at), start..<(isBeyond ? .max : end))
            at += map.stride
        }
    }
    private static let mapSize: UInt64 = 0x10000

    /// Reads every image and takes the memory of the hypervisor's own structures.
    mutating func readImages(_ firmware: borrowing Firmware) throws(Refusal) {
        let start = cpu_rdtsc()
        for i in 0..<manifest.partitionCount {
            files[i].kernel = try read(manifest.partitions[i].image, firmware)
            if !manifest.partitions[i].initrd.isEmpty {
                files[i].initrd = try read(manifest.partitions[i].initrd, firmware)
            }
        }
        readTicks = cpu_rdtsc() - start
        let faultFrames = iommu?.faultFrames ?? 0
        do throws(FirmwareError) {
            for i in 0..<manifest.partitionCount {
                let isHousekeeper = manifest.partitions[i].cores.contains(CoreSet(core: manifest.housekeeping))
                blocks[i] = try PrivateBlock(
                    cores: manifest.partitions[i].cores.count, memory: manifest.partitions[i].memorySize,
                    functions: manifest.partitions[i].devices.count, further: isHousekeeper ? faultFrames : 0, firmware)
            }
            blocks[8] = try PrivateBlock(cores: 1, memory: 0, further: faultFrames, firmware)
        } catch {
            throw Refusal(error, "memory for the hypervisor's own structures")
        }
    }

    private func read(_ path: ImagePath, _ firmware: borrowing Firmware) throws(Refusal) -> LoadedFile {
        do throws(FirmwareError) {
            return try BootVolume(firmware).read(path, limit: 1 << 30, alignment: 2 << 20, firmware)
        } catch {
            var line = LogLine("image ")
            line.write(path)
            line.write(": ")
            error.describe(to: &line)
            throw Refusal(line)
        }
    }

    mutating func leaveFirmware(_ firmware: borrowing Firmware) throws(Refusal) {
        try iommu?.denyAll()
        do throws(FirmwareError) {
            try firmware.exitBootServices(buffer: mapBuffer.address, size: mapBuffer.size)
        } catch {
            iommu?.undo()
            throw Refusal(error, "leaving the firmware")
        }
    }
}
