/// Why a manifest is refused: by its form, by its contents, or by the machine. Small and without a heap, so that the
/// hypervisor can throw it and print the same sentence as the tool: see `describe`.
public struct ManifestError: Error, Equatable, Sendable {
    /// The raw values are stable: they travel in reports.
    public enum Reason: UInt8, Sendable {
        // The encoding.
        case encoding = 1
        case tooLarge = 2
        case unsupportedVersion = 3
        case missingKey = 4
        case unknownKey = 5
        case unknownValue = 6
        case tooManyPartitions = 7
        // The contents as a whole.
        case noPartitions = 20
        case machineCoresOutOfRange = 21
        case machineMemoryTooLarge = 22
        case memoryBeyondMachine = 23
        case housekeepingOutOfRange = 24
        // One partition, or two that clash.
        case nameEmpty = 40
        case nameStart = 41
        case nameCharacter = 42
        case duplicateName = 43
        case noCores = 44
        case coreOutOfRange = 45
        case coreClaimedTwice = 46
        case memoryTooSmall = 47
        case memorySizeUnaligned = 48
        case memoryBaseUnaligned = 49
        case memoryTooLarge = 50
        case memoryOverlap = 51
        case imageMissing = 52
        case pathForm = 53
        case pathCharacter = 54
        case pathReserved = 55
        case pathCaseClash = 56
        case commandLineCharacter = 57
        case unknownOperation = 58
        case tooManyCores = 59
        case tooManyDevices = 60
        case deviceNamedTwice = 61
        case deviceClaimedTwice = 62
        case virtualFunctionsOutOfRange = 63
        case unknownAcceptance = 64
        // The machine.
        case tooFewCores = 80
        case tooLittleMemory = 81
        case housekeepingAbsent = 82
        case coreAbsent = 83
        case memoryNotFree = 84
        case noRoomForMemory = 85
        // The machine's functions and threads.
        case noIOMMU = 100
        case deviceAbsent = 101
        case deviceOther = 102
        case deviceIsBridge = 103
        case deviceReserved = 104
        case tooManyVirtualFunctions = 105
        case virtualFunctionDisabled = 106
        case noReset = 107
        case resetShared = 108
        case groupSplit = 109
        case siblingsSplit = 110
    }

    public var reason: Reason
    /// The index of the partition concerned, if it is about one.
    public var partition: Int?
    /// The index of the partition that it clashes with.
    public var other: Int?
    /// What was found: a core, a size, an address, a character, a key; see `describe`.
    public var value: UInt64
    /// What would have been right, or a second detail.
    public var bound: UInt64
    /// Which part of the manifest it is about.
    public var field: ManifestField

    public init(
        _ reason: Reason, _ field: ManifestField, partition: Int? = nil, other: Int? = nil, value: UInt64 = 0,
        bound: UInt64 = 0
    ) {
        self.reason = reason
        self.field = field
        self.partition = partition
        self.other = other
        self.value = value
        self.bound = bound
    }
}

/// The parts of a manifest, so that a tool can find the line that a refusal is about.
public enum ManifestField: UInt8, Sendable {
    case whole, machineName, machineCores, machineMemory, housekeeping, link, partitions
    case name, cores, memorySize, memoryBase, kernel, initrd, commandLine, permits
    case console, autostart, onPoweroff, onReboot, onCrash
    case devices, accepts
}
