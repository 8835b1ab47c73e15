import Text

extension Manifest {
    /// Refuses a valid manifest that this machine cannot satisfy: throws the first cause, having changed nothing.
    /// Returns where each partition's memory is to be.
    @discardableResult
    public borrowing func check(against machine: borrowing MachineFacts) throws(ManifestError) -> MemoryPlan {
        let missing = TrustAnchors(rawValue: requires.rawValue & ~machine.trust.rawValue)
        if missing.contains(.secureBoot) { throw ManifestError(.noSecureBoot) }
        if missing.contains(.tpm) { throw ManifestError(.noTPM) }
        if securityVersion < machine.oldestVersion {
            throw ManifestError(.oldVersion, value: securityVersion, bound: machine.oldestVersion)
        }
        // A guest may drive what is all registers: a FIFO (6), or a CRB (7) at this place of them. Others lie in memory, and say there
        // where the TPM is to read and write.
        let isThere = machine.trust.contains(.tpm), (method, area) = machine.tpm
        let isUsable = isThere && (method == 6 || method == 7 && area == 0xFED4_0040)
        for i in 0..<partitionCount where partitions[i].tpm && !isUsable {
            throw ManifestError(.tpmUnusable, partition: i, value: isThere ? UInt64(method) : 0, bound: area)
        }
        let present = machine.cores
        if present.count < machineCores {
            let found = UInt64(present.count)
            throw ManifestError(.tooFewCores, value: found, bound: UInt64(clamping: machineCores))
        }
        guard !CoreSet(core: housekeeping).isEmpty, present.contains(CoreSet(core: housekeeping)) else {
            throw ManifestError(.housekeepingAbsent, value: UInt64(clamping: housekeeping))
        }
        for i in 0..<partitionCount {
            let absent = CoreSet(rawValue: partitions[i].cores.rawValue & ~present.rawValue)
            if !absent.isEmpty { throw ManifestError(.coreAbsent, partition: i, value: UInt64(absent.first)) }
        }
        try checkSiblings(on: machine)
        let usable = machine.free.usableBytes
        let installed = max(machine.installedMemory, usable)
        // Firmware does not report all that is installed: it keeps some for itself, and the display may. A sixteenth
        // is let go, so that a 4 GiB machine counts as one.
        let (stretched, overflow) = installed.addingReportingOverflow(installed / 15)
        if !overflow, stretched < machineMemory {
            throw ManifestError(.tooLittleMemory, value: installed, bound: machineMemory)
        }
        try checkDevices(against: machine)
        try checkResources(on: machine)
        return try MemoryPlan(self, free: machine.free)
    }
}
