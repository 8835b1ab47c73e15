/// Why a manifest is refused: by its encoding, by the rules that isolation rests on, or by the machine. A number and its
/// facts: small and without a heap, so that the hypervisor can throw it. `describe` makes a sentence of it, on the
/// machine's console as in the tool, which also explains it (`bulkhead explain`).
public struct ManifestError: Error, Equatable, Sendable {
    /// The raw values are stable: they are printed. The tool's own rules (`ManifestRule`) have those that are missing.
    public enum Reason: UInt8, Sendable {
        // The encoding.
        case encoding = 1
        case tooLarge = 2
        case unsupportedVersion = 3
        case missingKey = 4
        case unknownKey = 5
        case unknownValue = 6
        case tooManyPartitions = 7
        // The signature, where `BULKHEAD.EFI` has its owner's key.
        case notSigned = 8
        case otherSignature = 9
        case imagesUnknown = 10
        // The contents.
        case noPartitions = 20
        case noCores = 44
        case coreClaimedTwice = 46
        case memoryTooSmall = 47
        case memorySizeUnaligned = 48
        case memoryBaseUnaligned = 49
        case memoryTooLarge = 50
        case memoryOverlap = 51
        case imageMissing = 52
        case tooManyCores = 59
        case tooManyDevices = 60
        case deviceNamedTwice = 61
        case deviceClaimedTwice = 62
        case channelEnds = 71
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
        case siblingOfHousekeeping = 111
        // Caches, bandwidth and memory keys.
        case cacheUndivided = 120
        case tooFewWays = 121
        case cacheTakenTwice = 122
        case bandwidthUnlimited = 123
        case bandwidthInPercent = 124
        case bandwidthInAmounts = 125
        case bandwidthOutOfRange = 126
        case tooFewClasses = 127
        case noMemoryKeys = 128
        case tooFewMemoryKeys = 129
        // What the machine's trust hangs from.
        case noSecureBoot = 130
        case noTPM = 131
    }

    public var reason: Reason
    /// The index of the partition concerned, if it is about one.
    public var partition: Int?
    /// The index of the partition that it clashes with.
    public var other: Int?
    /// What was found: a core, a size, an address, a key; see `Reason.words`.
    public var value: UInt64
    /// What would have been right, or a second detail.
    public var bound: UInt64

    public init(_ reason: Reason, partition: Int? = nil, other: Int? = nil, value: UInt64 = 0, bound: UInt64 = 0) {
        (self.reason, self.partition, self.other) = (reason, partition, other)
        (self.value, self.bound) = (value, bound)
    }
}
