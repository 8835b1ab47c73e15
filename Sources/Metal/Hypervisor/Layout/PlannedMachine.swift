import Manifest
import Platform
import Records
import Silicon
import Text
import Trust
import X86

/// A machine whose parts have owners: what the manifest gives to whom, read and allocated while the firmware runs.
struct PlannedMachine: ~Copyable {
    var machine: DiscoveredMachine
    let manifest: Manifest
    /// CRC32C of the manifest as it lies on the boot volume.
    let manifestChecksum: UInt32
    /// Where each partition's memory lies.
    let memory: MemoryPlan
    /// The functions that partitions own, 8 places for each partition.
    let owned: Pointer<InlineArray<64, OwnedFunction>>
    private(set) var files: [8 of (kernel: LoadedFile, initrd: LoadedFile)] = .init(
        repeating: (LoadedFile(), LoadedFile()))
    /// Of the partitions whose kernels are guarded, where these patch themselves; empty where the boot volume does not say.
    private(set) var sites: [8 of LoadedFile] = .init(repeating: LoadedFile())
    /// What each partition's guest is handed, where the TPM opened it; until then, and where it did not, what is sealed.
    private(set) var secrets: [8 of LoadedFile] = .init(repeating: LoadedFile())
    /// TSC ticks spent waiting for the boot volume and the TPM.
    private(set) var readTicks: UInt64 = 0
    /// Of what partitions own.
    var interrupts = MachineInterrupts()
    /// By channel, the two halves of its wire.
    private(set) var channels = [7 of UInt64](repeating: 0)
    /// For the partition that has the TPM.
    var log = EventLogCopy()
    /// One for each partition, then the housekeeping core's.
    private(set) var blocks: [9 of PrivateBlock] = .init(repeating: PrivateBlock())

    fileprivate func takeMemory(_ firmware: borrowing Firmware) throws(Refusal) {
        for i in 0..<manifest.partitionCount {
            let range = memory.ranges[i]
            _ = try firmware.allocate(range.size, .at(range.base), for: "taking a partition's memory")
        }
    }

    fileprivate mutating func readImages(_ firmware: borrowing Firmware) throws(Refusal) {
        let start = cpu_rdtsc()
        for i in 0..<manifest.partitionCount {
            files[i].kernel = try read(manifest.partitions[i].image, i, .kernel, firmware)
            if !manifest.partitions[i].initrd.isEmpty {
                files[i].initrd = try read(manifest.partitions[i].initrd, i, .initrd, firmware)
            }
            if manifest.partitions[i].watch.response != .off {
                guard try Vendor.ofThisProcessor() == .amd else {
                    throw Refusal("the watch over kernels is not there for Intel's processors yet")
                }
                // Without it the kernel is not locked, which the partition's policy answers.
                var path = manifest.partitions[i].image
                path.write(".sites")
                sites[i] = (try? read(path, i, .sites, firmware)) ?? LoadedFile()
            }
        }
        for i in 0..<manifest.partitionCount where manifest.partitions[i].secret != nil {
            // The TPM's response is written behind it, into pages that are no other partition's.
            secrets[i] = try read(manifest.partitions[i].sealedPath, i, nil, limit: TPMCommandList.maxBytes, firmware)
            if secrets[i].size > 0 { firmware.overwriteMemoryAtReset() }
        }
        readTicks = cpu_rdtsc() - start
        machine.facts.trust = machine.measured.anchors
        // The TPM may have refused one of them.
        guard machine.measured.anchors.contains(manifest.requires) else {
            throw Refusal(ManifestError.Reason.noTPM.rawValue.text)
        }
    }

    private mutating func read(
        _ path: borrowing ImagePath, _ i: Int, _ object: MeasuredObject?, limit: UInt64 = 1 << 30,
        _ firmware: borrowing Firmware
    ) throws(Refusal) -> LoadedFile {
        do throws(Refusal) {
            let start = cpu_rdtsc()
            var file = try BootVolume(firmware).read(path, limit: limit, alignment: 2 << 20, firmware)
            file.readTicks = cpu_rdtsc() - start
            if let object { machine.measured.measure(object, path, file) }
            return file
        } catch {
            var words = LogLine("image ", path, ": ")
            error.describe(to: &words)
            // Where the manifest has digests, it is not what they name, and that partition alone does not start. What takes all
            // memory does not make another partition's image a wrong one.
            guard object == nil || manifest.partitions[i].digests != nil, !error.isShortage else {
                throw Refusal(words)
            }
            BootLog.print(LogLine("bulkhead: ", words.text, ""))
            return LoadedFile()
        }
    }

    /// The memory of the hypervisor's own structures.
    fileprivate mutating func takeBlocks(_ firmware: borrowing Firmware) throws(Refusal) {
        let faultFrames = machine.iommu?.faultFrames ?? 0
        let small = Errata(try Vendor.ofThisProcessor()).executesFromSmallPages
        for i in 0..<manifest.partitionCount {
            let isHousekeeper = manifest.partitions[i].cores.contains(CoreSet(core: manifest.housekeeping))
            blocks[i] = try PrivateBlock(
                cores: manifest.partitions[i].cores.count, memory: manifest.partitions[i].memorySize,
                functions: manifest.partitions[i].devices.count, hasBus: manifest.partitions[i].hasBus,
                // Each other partition's control page may need a table of its own, and the housekeeping core's block two.
                further: (isHousekeeper ? faultFrames + manifest.partitionCount + 1 : 0)
                    + files[i].kernel.tableFrames + files[i].initrd.tableFrames + secrets[i].tableFrames
                    + sites[i].tableFrames * manifest.partitions[i].cores.count
                    // A channel's memory may need two tables of each kind in every core's, and one in each of the guest's.
                    + manifest.partitions[i].wireCount * manifest.partitions[i].cores.count * 9
                    // The TPM's registers take two in each nested table, and the log two in the loader's.
                    + (manifest.partitions[i].tpm ? 4 + 2 * manifest.partitions[i].cores.count : 0)
                    + (manifest.partitions[i].hasModel ? ModelRoots.constantFrames(manifest.partitions[i]) : 0),
                model: manifest.partitions[i].hasModel ? ModelRoots.frames(manifest.partitions[i]) : 0,
                smallExecutable: small,
                watched: manifest.partitions[i].watchedTables, firmware)
        }
        for i in 0..<manifest.channelCount {
            channels[i] = try firmware.allocate(WireHalf.size * 2, .anywhere, for: "memory for a channel")
            unsafe cpu_zero(UnsafeMutableRawPointer(bitPattern: UInt(channels[i])), WireHalf.size * 2)
        }
        blocks[8] = try PrivateBlock(cores: 1, memory: 0, further: faultFrames, firmware)
    }

    /// Denies DMA and interrupts to every function but what the tables give it, which is what its partition has and the ports' NMI
    /// to the housekeeping core, then ends the firmware's boot services.
    mutating func leaveFirmware(_ firmware: borrowing Firmware) throws(Refusal) {
        try machine.iommu?.enable()
        do throws(Refusal) {
            try openSecrets()
            try firmware.exitBootServices(buffer: machine.memoryMap.buffer, size: FirmwareMemoryMap.capacity)
        } catch {
            // What the firmware, or a device, finds next has none.
            for i in 0..<8 where secrets[i].size > 0 {
                unsafe cpu_zero(UnsafeMutableRawPointer(bitPattern: UInt(secrets[i].address) & ~0x1F_FFFF), 8192)
            }
            machine.iommu?.restore()
            throw error.during("leaving the firmware")
        }
    }

    /// The last that is asked of the TPM: what it opens now, it does not when guests run. No device reaches memory any more.
    private mutating func openSecrets() throws(Refusal) {
        for i in 0..<8 where secrets[i].size > 0 {
            secrets[i] = machine.measured.open(secrets[i], of: manifest.partitions[i].name)
        }
        let was = machine.measured.anchors
        machine.measured.measure(.closed, "closed")
        for i in 0..<manifest.partitionCount
        where (manifest.partitions[i].tpm || was != machine.measured.anchors)
            && !machine.measured.anchors.contains(.tpm)
        {
            throw Refusal(ManifestError.Reason.noTPM.rawValue.text)
        }
    }
}

extension DiscoveredMachine {
    /// Gives the machine to the manifest's partitions; refuses what the manifest asks for and the machine has not.
    consuming func plan(_ firmware: borrowing Firmware) throws(Refusal) -> PlannedMachine {
        var manifest = Manifest()
        let read = try manifest.read(firmware, &measured, for: &facts)
        let owned = try OwnedFunction.allocate(firmware)
        var plan = PlannedMachine(
            machine: self, manifest: manifest, manifestChecksum: read.checksum, memory: read.memory, owned: owned)
        do {
            let level = firmware.raiseLevel()
            defer { firmware.restoreLevel(level) }
            try plan.findFunctions()
        }
        try plan.takeMemory(firmware)
        try plan.requireOwnRegisters()
        try plan.readImages(firmware)
        try plan.takeBlocks(firmware)
        try plan.prepareRemapping(firmware)
        for i in 0..<plan.manifest.partitionCount where plan.manifest.partitions[i].tpm { try plan.log.read(firmware) }
        return plan
    }
}

extension Manifest {
    /// Reads `\BULKHEAD\manifest.cbor` and holds it against the machine. Gives its CRC32C and where memory is to lie.
    fileprivate mutating func read(
        _ firmware: borrowing Firmware, _ measured: inout MeasuredBoot, for facts: inout MachineFacts
    ) throws(Refusal) -> (checksum: UInt32, memory: MemoryPlan) {
        let file: LoadedFile
        do throws(Refusal) {
            file = try BootVolume(firmware).read(Self.fileName, limit: UInt64(Self.maxFileSize), firmware)
        } catch {
            throw error.during("\\BULKHEAD\\manifest.cbor")
        }
        measured.measure(.manifest, "manifest.cbor", file)
        facts.trust = measured.anchors
        do throws(ManifestError) {
            let encoded = unsafe bytes(file.address, file.size)
            let content = try decode(file: unsafe Span(_unsafeElements: encoded.assumingMemoryBound(to: UInt8.self)))
            return (CRC32C(content).value, try check(against: facts))
        } catch {
            var line = LogLine("")
            error.describe(self, on: facts, to: &line)
            throw Refusal(line)
        }
    }
}
