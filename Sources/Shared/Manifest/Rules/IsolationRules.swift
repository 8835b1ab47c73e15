import PCI
import Text

/// The rules that root mode relies on, whoever wrote the manifest; those that only help people are the tool's
/// (`ManifestRules`). Each use of a field in root mode, and what makes it safe:
///
/// - names, paths, command line: printed, copied to the guest, sought on the boot volume. The decoder: printable ASCII
///   of bounded length. A path may lead anywhere on the boot volume: what it holds of crashes (`crash.bin`, with a dead guest's
///   registers, `boot.log`) the owner who wrote the path can read too; an image must be named, since a path without one is a folder's.
/// - `machineCores`, `machineMemory`: compared with what the machine has, never an index.
/// - `housekeeping`: an index into the machine's cores. `check(against:)`: it is one of them, thus below 64.
/// - `link`, actions, `permits`, `accepts`: the decoder knows every value and every bit.
/// - partitions: the decoder has room for `maxPartitions`; here, that there is one.
/// - `cores`: index into the machine's cores (`check(against:)`), number of vCPUs and what they have room for
///   (`maxPartitionCores`), first core of a partition (not empty), sole owner (no core twice).
/// - `memorySize`, `memoryBase`: mapped in pieces of `memoryGranule`, placed by `MemoryPlan` in free memory and nowhere
///   twice; sums of both stay below `addressLimit`. A guest's tables need `minPartitionMemory`.
/// - `channels`: the decoder has room for `maxChannels`, bounds the MTU and the rates; here, that both ends are partitions, and two.
/// - `devices`: the decoder has room for `DeviceList.capacity` and bounds virtual functions; here, that no function is
///   named twice. `check(against:)`: each is there, whole isolation groups have one owner, virtual functions exist.
/// - `tpm`: decides who has its registers. Here, that one partition at most has it; `check(against:)`: that it has registers, and
///   nothing of it lies in memory.
extension Manifest {
    /// Calls `report` for each problem: first partition by partition, then clashes of two. Work is bounded by
    /// `maxPartitions` squared.
    public borrowing func forEachIsolationProblem(_ report: (ManifestError) -> Void) {
        if partitionCount == 0 { report(ManifestError(.noPartitions)) }
        for i in 0..<partitionCount {
            checkCores(i, report)
            checkMemory(i, report)
            if partitions[i].image.isEmpty { report(ManifestError(.imageMissing, partition: i)) }
        }
        for i in 0..<partitionCount {
            for j in 0..<i { checkClash(j, i, report) }
            for j in 0...i { checkDevices(j, i, report) }
        }
        for i in 0..<channelCount {
            let a = channels[i].ends[0].partition, b = channels[i].ends[1].partition
            let last = max(a, b), count = partitionCount
            if a == b || last >= count { report(ManifestError(.channelEnds, value: UInt64(i))) }
        }
    }

    private borrowing func checkCores(_ i: Int, _ report: (ManifestError) -> Void) {
        let count = partitions[i].cores.count
        if count == 0 { report(ManifestError(.noCores, partition: i)) }
        guard count > Self.maxPartitionCores else { return }
        let bound = UInt64(Self.maxPartitionCores)
        report(ManifestError(.tooManyCores, partition: i, value: UInt64(count), bound: bound))
    }

    private borrowing func checkMemory(_ i: Int, _ report: (ManifestError) -> Void) {
        let size = partitions[i].memorySize
        let base = partitions[i].memoryBase
        if size < Self.minPartitionMemory {
            report(ManifestError(.memoryTooSmall, partition: i, value: size, bound: Self.minPartitionMemory))
        } else if size % Self.memoryGranule != 0 {
            report(ManifestError(.memorySizeUnaligned, partition: i, value: size))
        }
        if base % Self.memoryGranule != 0 { report(ManifestError(.memoryBaseUnaligned, partition: i, value: base)) }
        if size > Self.addressLimit || base > Self.addressLimit - size {
            report(ManifestError(.memoryTooLarge, partition: i, value: size, bound: base))
        }
    }

    /// What partition `j` and the later partition `i` may not both have.
    private borrowing func checkClash(_ j: Int, _ i: Int, _ report: (ManifestError) -> Void) {
        var both = partitions[i].cores.intersection(partitions[j].cores).rawValue
        while both != 0 {
            let core = UInt64(both.trailingZeroBitCount)
            report(ManifestError(.coreClaimedTwice, partition: i, other: j, value: core))
            both &= both - 1
        }
        if partitions[j].tpm, partitions[i].tpm { report(ManifestError(.tpmClaimedTwice, partition: i, other: j)) }
        guard let a = partitions[j].fixedMemory, let b = partitions[i].fixedMemory else { return }
        if a.base < b.end, b.base < a.end {
            report(ManifestError(.memoryOverlap, partition: i, other: j, value: max(a.base, b.base)))
        }
    }

    /// Functions that partition `i` names and `j`, which is no later, named before.
    private borrowing func checkDevices(_ j: Int, _ i: Int, _ report: (ManifestError) -> Void) {
        for k in 0..<partitions[i].devices.count {
            let address = partitions[i].devices[k].address
            for before in 0..<(i == j ? k : partitions[j].devices.count)
            where partitions[j].devices[before].address == address {
                let value = UInt64(address.requester)
                report(
                    i == j
                        ? ManifestError(.deviceNamedTwice, partition: i, value: value)
                        : ManifestError(.deviceClaimedTwice, partition: i, other: j, value: value))
            }
        }
    }

    /// The index of the partition that owns the function; nil when nobody does.
    public borrowing func owner(of address: FunctionAddress) -> Int? {
        for i in 0..<partitionCount
        where partitions[i].devices.first(where: { $0.address == address }) != nil { return i }
        return nil
    }
}
