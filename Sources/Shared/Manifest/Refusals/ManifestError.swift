import Text

/// Why a manifest is refused: by its encoding, by the rules that isolation rests on, or by the machine. A number and its
/// facts: small and without a heap, so that the hypervisor can throw it. `describe` makes a sentence of it, on the
/// machine's console as in the tool, which also explains it (`bulkhead explain`).
public struct ManifestError: Error, Equatable, Sendable {
    /// The number and the sentence that tells it. Numbers are stable: people are given them. The tool's own rules
    /// (`ManifestRule`) have those that are missing. Facts are in their places:
    ///
    /// | | |
    /// |---|---|
    /// | `%p`, `%o` | the partition, the other one |
    /// | `%v`, `%b` | the value, the bound: decimal |
    /// | `%s`, `%t` | the value, the bound: a size in bytes |
    /// | `%a`, `%c` | the value, the bound: an address |
    /// | `%f`, `%g` | the value, the bound: a PCI function |
    /// | `%h`, `%l` | bits 63:32 of the bound: a PCI function; bits 31:0: decimal |
    /// | `%u` | bits 63:32 of the bound: decimal |
    /// | `%z` | why there is no memory key |
    /// | `%i`, `%j` | bits 63:32 and 31:0 of the bound: vendor and device |
    /// | `%m` | the plural of what was counted by the value |
    public enum Reason: Words, Sendable {
        // The encoding.
        case encoding = "R1 the manifest is damaged at byte %v (CBOR error %b); compile it again"
        case tooLarge = "R2 the manifest has %v bytes; the most that is read is %b"
        case unsupportedVersion = "R3 the manifest's format version is %v; this program reads version %b"
        case missingKey = "R4 the description of %p lacks key %v"
        case unknownKey = "R5 the description of %p has the unknown key %v"
        case unknownValue = "R6 %p has the unknown value %v in key %b"
        case tooManyPartitions = "R7 there are %v partitions; the most is %b"
        // The signature, where `BULKHEAD.EFI` has its owner's key.
        case notSigned = "R8 the manifest is not signed; this BULKHEAD.EFI has its owner's key and starts nothing else"
        case otherSignature = "R9 the manifest's signature is not by the owner whose key this BULKHEAD.EFI has"
        case imagesUnknown = "R10 the manifest does not say what the images of %p are, as one that is signed must"
        // The contents.
        case noPartitions = "R20 there is no partition; at least one is needed"
        case noCores = "R44 %p has no cores; at least one is needed"
        case coreClaimedTwice = "R46 core %v is claimed by %o and by %p; a core belongs to one partition"
        case memoryTooSmall = "R47 the memory of %p is %s; the least is %t"
        case memorySizeUnaligned = "R48 the memory of %p is %s, which is not a multiple of 2 MiB"
        case memoryBaseUnaligned = "R49 the memory of %p starts at %a, which is not a multiple of 2 MiB (0x200000)"
        case memoryTooLarge = "R50 the memory of %p, %s from %c, is beyond what a processor can address (52 bits)"
        case memoryOverlap = "R51 the memory of %o and of %p overlaps at %a"
        case imageMissing = "R52 %p has no image to start"
        case tooManyCores = "R59 %p has %v cores; the most is %b"
        case tooManyDevices = "R60 %p has %v devices; the most is %b"
        case deviceNamedTwice = "R61 function %f is named twice in %p"
        case deviceClaimedTwice = "R62 function %f is claimed by %o and by %p; a function belongs to one partition"
        case channelEnds = "R71 channel %v (counted from 0) does not lead from one partition to another one"
        case tpmClaimedTwice = "R76 the TPM is claimed by %o and by %p; it belongs to one partition"
        // The machine.
        case tooFewCores = "R80 this machine has %v core%m; the manifest requires %b"
        case tooLittleMemory = "R81 this machine has %s of memory; the manifest requires %t"
        case housekeepingAbsent = "R82 this machine has no core %v, which the manifest names for housekeeping"
        case coreAbsent = "R83 this machine has no core %v, which belongs to %p"
        case memoryNotFree = "R84 %p claims %t of memory at %a, where this machine has no such free memory"
        case noRoomForMemory = "R85 this machine has no free piece of memory for the %s of %p"
        // The machine's functions and threads.
        case noIOMMU =
            "R100 %p has devices, but this machine has no usable IOMMU: none, or switched off in its firmware"
        case deviceAbsent = "R101 function %f of %p is not in this machine"
        case deviceOther = "R102 function %f of %p is %i in this machine; the manifest says %j"
        case deviceIsBridge =
            "R103 function %f of %p is part of the machine itself (a bridge or an IOMMU): nobody can own it"
        case deviceReserved =
            "R104 function %f of %p cannot be owned: the firmware goes on using it for its own purposes"
        case tooManyVirtualFunctions =
            "R105 function %f of %p has %b virtual functions in this machine; the manifest wants more"
        case virtualFunctionDisabled =
            "R106 function %f of %p exists only if function %h belongs to a partition, with virtual-functions: %l or more"
        case noReset = "R107 function %f of %p cannot be reset between two guests; \"reset: none\" would accept that"
        case resetShared = "R108 function %f of %p can only be reset together with its bus, and with it %g of %o"
        case groupSplit = "R109 function %f of %p is in one isolation group with %g of %o"
        case siblingsSplit =
            "R110 core %v of %p and core %b of %o are threads of one core; \"accept: [split-smt]\" would allow it"
        case siblingOfHousekeeping =
            "R111 core %v of %p and core %b, for housekeeping, are threads of one core; \"accept: [split-smt]\" would allow it"
        // Caches, bandwidth and memory keys.
        case cacheUndivided =
            "R120 %p asks for a part of the level %v cache, which this machine cannot divide; \"accept: [shared-cache]\" would allow it"
        case tooFewWays = "R121 %p asks for %v ways of the level %u cache; %l are left together"
        case cacheTakenTwice =
            "R122 %p asks for what is left of the level %v cache, and another one that shares it does too"
        case bandwidthUnlimited =
            "R123 %p limits memory bandwidth, which this machine cannot; \"accept: [shared-cache]\" would allow it"
        case bandwidthInPercent = "R124 %p limits memory bandwidth by an amount; this machine does so in percent"
        case bandwidthInAmounts = "R125 %p limits memory bandwidth in percent; this machine does so in GB/s"
        case bandwidthOutOfRange = "R126 %p limits memory bandwidth to %v; this machine's bound is %b"
        case tooFewClasses =
            "R127 %p and those with whom it shares a cache need %v classes of service; this machine has %b"
        case noMemoryKeys = "R128 %p requires a memory key; %z"
        case tooFewMemoryKeys = "R129 %v partitions require memory keys; this machine has %b"
        // What the machine's trust hangs from.
        case noSecureBoot = "R130 the manifest requires Secure Boot, which is off in this machine"
        case noTPM = "R131 the manifest requires a TPM; this machine has none that took all measurements"
        case oldVersion = "R132 the manifest's security version is %v; the TPM's counter admits none below %b"
        case tpmUnusable =
            "R134 %p has the TPM, but this machine has none that a partition can have: start method %v, control area at %c"
    }

    public var reason: Reason
    /// The index of the partition concerned, if it is about one.
    public var partition: Int?
    /// The index of the partition that it clashes with.
    public var other: Int?
    /// What was found: a core, a size, an address, a key; see `Reason`.
    public var value: UInt64
    /// What would have been right, or a second detail.
    public var bound: UInt64

    public init(_ reason: Reason, partition: Int? = nil, other: Int? = nil, value: UInt64 = 0, bound: UInt64 = 0) {
        (self.reason, self.partition, self.other) = (reason, partition, other)
        (self.value, self.bound) = (value, bound)
    }
}
