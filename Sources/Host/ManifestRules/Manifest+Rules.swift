import Manifest
import Text

extension ChannelSpec {
    /// Bytes by which sealing makes a frame longer (`SealLayout.overhead`).
    public static let sealSize: UInt64 = 34
}

extension Manifest {
    /// The most cores of a machine.
    public static let maxCores = 64
    /// Consoles and ends of channels of one partition (`GuestBus`).
    static let maxVirtioFunctions = 8

    /// Refuses a manifest that contradicts itself, whatever the machine: throws the first problem.
    public func validate() throws(ManifestRefusal) {
        var first: ManifestRefusal?
        forEachProblem { if first == nil { first = $0 } }
        if let first { throw first }
    }

    /// Calls `report` for each problem: what only the tool demands of the machine, then partition by partition, then of
    /// two that clash; then what root mode would refuse.
    public func forEachProblem(_ report: (ManifestRefusal) -> Void) {
        checkLabel(name, .machineName, nil, report)
        checkMachine(report)
        for i in 0..<partitionCount {
            checkLabel(partitions[i].name, .name, i, report)
            checkCores(i, report)
            checkImages(i, report)
            checkCommandLine(i, report)
            checkBits(i, report)
            checkWatchdog(i, report)
            checkVirtio(i, report)
        }
        for i in 0..<partitionCount {
            for j in 0..<i where !partitions[i].name.isEmpty && partitions[i].name == partitions[j].name {
                report(ManifestRefusal(.duplicateName, .name, partition: i, other: j))
            }
        }
        for i in 0..<channelCount { checkChannel(i, report) }
        forEachIsolationProblem { report(ManifestRefusal($0)) }
    }

    private func checkChannel(_ i: Int, _ report: (ManifestRefusal) -> Void) {
        checkLabel(channels[i].name, .channels, nil, report)
        if (0..<i).contains(where: { channels[$0].name == channels[i].name }) {
            report(ManifestRefusal(.channelNames, .channels, value: UInt64(i)))
        }
        let least = UInt64(ChannelSpec.minMTU) + ChannelSpec.sealSize, ends = channels[i].ends
        for end in 0..<2 where ends[end].isSealed {
            if ends[end].partition < partitionCount, partitions[ends[end].partition].secret == nil {
                report(
                    ManifestRefusal(.sealedWithoutSecret, .channels, partition: ends[end].partition, value: UInt64(i)))
            }
            if UInt64(channels[i].mtu) < least {
                report(ManifestRefusal(.sealedTooSmall, .channels, value: UInt64(channels[i].mtu), bound: least))
            }
        }
    }

    private func checkMachine(_ report: (ManifestRefusal) -> Void) {
        let cores = machineCores
        let housekeeping = housekeeping
        if cores < 1 || cores > Self.maxCores {
            let value = UInt64(clamping: cores)
            report(ManifestRefusal(.machineCoresOutOfRange, .machineCores, value: value, bound: UInt64(Self.maxCores)))
        } else if housekeeping < 0 || housekeeping >= cores {
            let value = UInt64(clamping: housekeeping)
            report(ManifestRefusal(.housekeepingOutOfRange, .housekeeping, value: value, bound: UInt64(cores)))
        }
        checkHousekeepingShare(report)
        if machineMemory > Self.addressLimit {
            report(ManifestRefusal(.machineMemoryTooLarge, .machineMemory, value: machineMemory))
        }
        var total: UInt64 = 0
        for i in 0..<partitionCount {
            // Sizes beyond the limit have a refusal of their own; capped, eight of them cannot overflow.
            total += min(partitions[i].memorySize, Self.addressLimit)
        }
        if total > machineMemory {
            report(ManifestRefusal(.memoryBeyondMachine, .machineMemory, value: total, bound: machineMemory))
        }
    }

    private func checkLabel(
        _ label: Label, _ field: ManifestField, _ partition: Int?, _ report: (ManifestRefusal) -> Void
    ) {
        if label.isEmpty { return report(ManifestRefusal(.nameEmpty, field, partition: partition)) }
        for i in 0..<label.count {
            let byte = label.bytes[i]
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): continue
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                if i > 0 { continue }
                return report(ManifestRefusal(.nameStart, field, partition: partition, value: UInt64(byte)))
            default:
                return report(ManifestRefusal(.nameCharacter, field, partition: partition, value: UInt64(byte)))
            }
        }
    }

    private func checkCores(_ i: Int, _ report: (ManifestRefusal) -> Void) {
        let cores = partitions[i].cores
        guard machineCores >= 1, machineCores < Self.maxCores, cores.last >= machineCores else { return }
        let bound = UInt64(machineCores)
        report(ManifestRefusal(.coreOutOfRange, .cores, partition: i, value: UInt64(cores.last), bound: bound))
    }

    private func checkCommandLine(_ i: Int, _ report: (ManifestRefusal) -> Void) {
        for k in 0..<partitions[i].commandLine.count {
            let byte = partitions[i].commandLine.bytes[k]
            guard 0x20...0x7E ~= byte else {
                let value = UInt64(byte)
                return report(ManifestRefusal(.commandLineCharacter, .commandLine, partition: i, value: value))
            }
        }
    }

    /// Root mode connects one control partition, the last, and has a number on the guest's bus for eight functions of its own.
    private func checkVirtio(_ i: Int, _ report: (ManifestRefusal) -> Void) {
        let spec = partitions[i], functions = spec.virtioFunctions
        if functions > Self.maxVirtioFunctions {
            let bound = UInt64(Self.maxVirtioFunctions)
            report(
                ManifestRefusal(
                    .tooManyVirtioFunctions, .channels, partition: i, value: UInt64(functions), bound: bound))
        }
        guard spec.virtio.contains(.control) else { return }
        if let first = (0..<i).first(where: { partitions[$0].virtio.contains(.control) }) {
            report(ManifestRefusal(.controlTwice, .control, partition: i, other: first))
        }
    }

    /// Nobody's memory is at stake: root mode bounds the seconds, and sees a missed kick late or never.
    private func checkWatchdog(_ i: Int, _ report: (ManifestRefusal) -> Void) {
        let seconds = UInt64(partitions[i].watchdog)
        guard seconds != 0 else { return }
        if seconds > Self.maxWatchdog {
            let rule = ManifestRule.watchdogTooLong
            report(ManifestRefusal(rule, .watchdog, partition: i, value: seconds, bound: Self.maxWatchdog))
        }
        guard let other = housekeepingOwner else { return }
        report(ManifestRefusal(.watchdogUnserved, .watchdog, partition: i, value: UInt64(other)))
    }

    /// The partition that has the housekeeping core too.
    private var housekeepingOwner: Int? {
        let core = CoreSet(core: housekeeping)
        return (0..<partitionCount).first { !partitions[$0].cores.intersection(core).isEmpty }
    }

    /// Root mode gives a core its partition's part, and housekeeping's to nobody.
    private func checkHousekeepingShare(_ report: (ManifestRefusal) -> Void) {
        guard housekeepingResources.needsClass, let other = housekeepingOwner else { return }
        report(ManifestRefusal(.housekeepingShareIgnored, .housekeeping, value: UInt64(other)))
    }

    /// Bits and counts that the encoded form cannot have.
    private func checkBits(_ i: Int, _ report: (ManifestRefusal) -> Void) {
        let operations = partitions[i].permits.rawValue & ~ControlOperations.all.rawValue
        if operations != 0 {
            report(ManifestRefusal(.unknownOperation, .permits, partition: i, value: UInt64(operations)))
        }
        let weaknesses = partitions[i].accepts.rawValue & ~Acceptances.all.rawValue
        if weaknesses != 0 {
            report(ManifestRefusal(.unknownAcceptance, .accepts, partition: i, value: UInt64(weaknesses)))
        }
        for k in 0..<partitions[i].devices.count {
            let device = partitions[i].devices[k]
            guard Int(device.virtualFunctions) > Self.maxVirtualFunctions else { continue }
            let bound = UInt64(device.address.requester) << 32 | UInt64(Self.maxVirtualFunctions)
            let value = UInt64(device.virtualFunctions)
            report(
                ManifestRefusal(.virtualFunctionsOutOfRange, .devices, partition: i, value: value, bound: bound))
        }
    }
}
