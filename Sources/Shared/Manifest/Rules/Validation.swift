import Text

extension Manifest {
    /// Refuses a manifest that contradicts itself, whatever the machine: throws the first problem.
    public borrowing func validate() throws(ManifestError) {
        var first: ManifestError?
        forEachProblem { if first == nil { first = $0 } }
        if let first { throw first }
    }

    /// Calls `report` for each problem: first the machine, then partition by partition, then clashes of two.
    ///
    /// Work is bounded by `maxPartitions` squared and the lengths of the texts.
    public borrowing func forEachProblem(_ report: (ManifestError) -> Void) {
        checkLabel(name, .machineName, nil, report)
        checkMachine(report)
        if partitionCount == 0 { report(ManifestError(.noPartitions, .partitions)) }
        for i in 0..<partitionCount {
            checkLabel(partitions[i].name, .name, i, report)
            checkCores(i, report)
            checkMemory(i, report)
            checkImages(i, report)
            checkCommandLine(i, report)
            let unknown = partitions[i].permits.rawValue & ~ControlOperations.all.rawValue
            if unknown != 0 {
                report(ManifestError(.unknownOperation, .permits, partition: i, value: UInt64(unknown)))
            }
            checkDevices(i, report)
        }
        for i in 0..<partitionCount {
            for j in 0..<i { checkClash(j, i, report) }
        }
    }

    private borrowing func checkMachine(_ report: (ManifestError) -> Void) {
        let cores = machineCores
        let housekeeping = housekeeping
        if cores < 1 || cores > Self.maxCores {
            let value = UInt64(clamping: cores)
            report(ManifestError(.machineCoresOutOfRange, .machineCores, value: value, bound: UInt64(Self.maxCores)))
        } else if housekeeping < 0 || housekeeping >= cores {
            let value = UInt64(clamping: housekeeping)
            report(ManifestError(.housekeepingOutOfRange, .housekeeping, value: value, bound: UInt64(cores)))
        }
        if machineMemory > Self.addressLimit {
            report(ManifestError(.machineMemoryTooLarge, .machineMemory, value: machineMemory))
        }
        var total: UInt64 = 0
        for i in 0..<partitionCount {
            // Sizes beyond the limit have a refusal of their own; capped, eight of them cannot overflow.
            total += min(partitions[i].memorySize, Self.addressLimit)
        }
        if total > machineMemory {
            report(ManifestError(.memoryBeyondMachine, .machineMemory, value: total, bound: machineMemory))
        }
    }

    private borrowing func checkLabel(
        _ label: borrowing Label, _ field: ManifestField, _ partition: Int?, _ report: (ManifestError) -> Void
    ) {
        if label.isEmpty { return report(ManifestError(.nameEmpty, field, partition: partition)) }
        for i in 0..<label.count {
            let byte = label.bytes[i]
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): continue
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                if i > 0 { continue }
                return report(ManifestError(.nameStart, field, partition: partition, value: UInt64(byte)))
            default:
                return report(ManifestError(.nameCharacter, field, partition: partition, value: UInt64(byte)))
            }
        }
    }

    private borrowing func checkCores(_ i: Int, _ report: (ManifestError) -> Void) {
        let cores = partitions[i].cores
        if cores.isEmpty { return report(ManifestError(.noCores, .cores, partition: i)) }
        if cores.count > Self.maxPartitionCores {
            let bound = UInt64(Self.maxPartitionCores)
            report(ManifestError(.tooManyCores, .cores, partition: i, value: UInt64(cores.count), bound: bound))
        }
        guard machineCores >= 1, machineCores < Self.maxCores else { return }
        if cores.last >= machineCores {
            let bound = UInt64(machineCores)
            report(ManifestError(.coreOutOfRange, .cores, partition: i, value: UInt64(cores.last), bound: bound))
        }
    }

    private borrowing func checkMemory(_ i: Int, _ report: (ManifestError) -> Void) {
        let size = partitions[i].memorySize
        let base = partitions[i].memoryBase
        if size < Self.minPartitionMemory {
            let bound = Self.minPartitionMemory
            report(ManifestError(.memoryTooSmall, .memorySize, partition: i, value: size, bound: bound))
        } else if size % Self.memoryGranule != 0 {
            report(ManifestError(.memorySizeUnaligned, .memorySize, partition: i, value: size))
        }
        if base % Self.memoryGranule != 0 {
            report(ManifestError(.memoryBaseUnaligned, .memoryBase, partition: i, value: base))
        }
        if size > Self.addressLimit || base > Self.addressLimit - size {
            report(ManifestError(.memoryTooLarge, .memorySize, partition: i, value: size, bound: base))
        }
    }

    private borrowing func checkCommandLine(_ i: Int, _ report: (ManifestError) -> Void) {
        for k in 0..<partitions[i].commandLine.count {
            let byte = partitions[i].commandLine.bytes[k]
            guard 0x20...0x7E ~= byte else {
                let value = UInt64(byte)
                return report(ManifestError(.commandLineCharacter, .commandLine, partition: i, value: value))
            }
        }
    }

    /// What partition `j` and the later partition `i` may not both have.
    private borrowing func checkClash(_ j: Int, _ i: Int, _ report: (ManifestError) -> Void) {
        if !partitions[i].name.isEmpty, partitions[i].name == partitions[j].name {
            report(ManifestError(.duplicateName, .name, partition: i, other: j))
        }
        var both = partitions[i].cores.intersection(partitions[j].cores).rawValue
        while both != 0 {
            let core = UInt64(both.trailingZeroBitCount)
            report(ManifestError(.coreClaimedTwice, .cores, partition: i, other: j, value: core))
            both &= both - 1
        }
        checkDeviceClash(j, i, report)
        guard let a = partitions[j].fixedMemory, let b = partitions[i].fixedMemory else { return }
        if a.base < b.end, b.base < a.end {
            let value = max(a.base, b.base)
            report(ManifestError(.memoryOverlap, .memoryBase, partition: i, other: j, value: value))
        }
    }
}
