import Manifest

/// The parts of a manifest, so that a tool can find the line that a refusal is about.
public enum ManifestField: UInt8, Sendable {
    case whole, machineName, machineCores, machineMemory, housekeeping, link, partitions
    case name, cores, memorySize, memoryBase, kernel, initrd, commandLine, permits
    case console, control, autostart, onPoweroff, onReboot, onCrash
    case devices, accepts, watchdog, restartLimit, ready, watch
    case cache, bandwidth, memoryKey, requires, channels, securityVersion, secret, tpm

    /// What a refusal of the hypervisor's is about.
    public init(_ error: ManifestError) {
        self =
            switch error.reason {
            case .encoding, .tooLarge, .unsupportedVersion, .missingKey, .unknownKey, .notSigned, .otherSignature:
                .whole
            case .unknownValue: Self.valued(error.bound, of: error.partition)
            case .tooManyPartitions, .noPartitions: .partitions
            case .noCores, .coreClaimedTwice, .tooManyCores, .coreAbsent, .siblingsSplit, .siblingOfHousekeeping: .cores
            case .memoryTooSmall, .memorySizeUnaligned, .memoryTooLarge, .noRoomForMemory: .memorySize
            case .memoryBaseUnaligned, .memoryOverlap, .memoryNotFree: .memoryBase
            case .imageMissing, .imagesUnknown: .kernel
            case .tooFewCores: .machineCores
            case .tooLittleMemory: .machineMemory
            case .housekeepingAbsent: .housekeeping
            case .tooManyDevices, .deviceNamedTwice, .deviceClaimedTwice, .noIOMMU, .deviceAbsent, .deviceOther,
                .deviceIsBridge, .deviceReserved, .tooManyVirtualFunctions, .virtualFunctionDisabled, .noReset,
                .resetShared, .groupSplit:
                .devices
            case .cacheUndivided, .tooFewWays, .cacheTakenTwice, .tooFewClasses: .cache
            case .bandwidthUnlimited, .bandwidthInPercent, .bandwidthInAmounts, .bandwidthOutOfRange: .bandwidth
            case .noMemoryKeys, .tooFewMemoryKeys: .memoryKey
            case .noSecureBoot, .noTPM: .requires
            case .oldVersion: .securityVersion
            case .channelEnds: .channels
            case .tpmClaimedTwice, .tpmUnusable: .tpm
            }
    }

    /// The key whose value the decoder does not know.
    private static func valued(_ key: UInt64, of partition: Int?) -> ManifestField {
        guard partition != nil else {
            return switch key {
            case ManifestKey.housekeepingResources: .housekeeping
            case ManifestKey.requires: .requires
            case ManifestKey.channels: .channels
            case ManifestKey.securityVersion: .securityVersion
            default: .link
            }
        }
        return switch key {
        case PartitionKey.onPoweroff: .onPoweroff
        case PartitionKey.onReboot: .onReboot
        case PartitionKey.onCrash: .onCrash
        case PartitionKey.permits: .permits
        case PartitionKey.devices: .devices
        case PartitionKey.watchdog: .watchdog
        case PartitionKey.restartLimit: .restartLimit
        case PartitionKey.virtio: .console
        case PartitionKey.resources: .cache
        case PartitionKey.watch: .watch
        case PartitionKey.tpm: .tpm
        default: .accepts
        }
    }
}

extension ManifestField {
    /// The key that holds it, for reports.
    public var name: String {
        switch self {
        case .whole: "manifest"
        case .machineName, .name: "name"
        case .machineCores: "machine.cores"
        case .machineMemory: "machine.memory"
        case .housekeeping: "housekeeping"
        case .link: "link"
        case .partitions: "partitions"
        case .cores: "cores"
        case .memorySize: "memory"
        case .memoryBase: "memory.at"
        case .kernel: "image.kernel"
        case .initrd: "image.initrd"
        case .commandLine: "command-line"
        case .permits: "permit"
        case .console: "console"
        case .control: "control"
        case .autostart: "autostart"
        case .onPoweroff: "on-poweroff"
        case .onReboot: "on-reboot"
        case .onCrash: "on-crash"
        case .devices: "devices"
        case .accepts: "accept"
        case .watchdog: "watchdog"
        case .restartLimit: "restart-limit"
        case .ready: "ready"
        case .cache: "cache"
        case .bandwidth: "bandwidth"
        case .memoryKey: "memory-key"
        case .requires: "require"
        case .channels: "channels"
        case .securityVersion: "security-version"
        case .secret: "secret"
        case .watch: "watch"
        case .tpm: "tpm"
        }
    }
}
