import Manifest

extension ManifestRefusal.Reason {
    /// Every reason there is, in the order of the numbers.
    public static var all: [ManifestRefusal.Reason] { (1...UInt8.max).compactMap(Self.init(number:)) }

    /// The number that the hypervisor prints, as in `R84`.
    public var number: UInt8 {
        switch self {
        case .tool(let rule): rule.rawValue
        case .hypervisor(let reason): reason.number
        }
    }

    public init?(number: UInt8) {
        if let reason = ManifestError.Reason.all.first(where: { $0.number == number }) {
            self = .hypervisor(reason)
        } else if let rule = ManifestRule(rawValue: number) {
            self = .tool(rule)
        } else {
            return nil
        }
    }

    /// What it says of any manifest: the sentence with `...` for each fact.
    public var phrase: String {
        switch self {
        case .tool(let rule): return rule.phrase
        case .hypervisor(let reason):
            var phrase = ""
            var isFact = false
            for letter in reason.words {
                if isFact { phrase += letter == "m" ? "s" : "..." } else if letter != "%" { phrase.append(letter) }
                isFact = !isFact && letter == "%"
            }
            return phrase
        }
    }

    /// What to change.
    public var advice: String {
        switch self {
        case .tool(let rule): rule.advice
        case .hypervisor(let reason): reason.advice
        }
    }
}

extension ManifestError.Reason {
    /// Every one, in the order of their numbers; `ExplanationTests` counts them.
    public static let all: [ManifestError.Reason] = [
        .encoding, .tooLarge, .unsupportedVersion, .missingKey, .unknownKey, .unknownValue, .tooManyPartitions,
        .notSigned, .otherSignature, .imagesUnknown, .noPartitions, .noCores, .coreClaimedTwice, .memoryTooSmall,
        .memorySizeUnaligned, .memoryBaseUnaligned, .memoryTooLarge, .memoryOverlap, .imageMissing, .tooManyCores,
        .tooManyDevices, .deviceNamedTwice, .deviceClaimedTwice, .channelEnds, .tpmClaimedTwice, .tooFewCores,
        .tooLittleMemory,
        .housekeepingAbsent, .coreAbsent, .memoryNotFree, .noRoomForMemory, .noIOMMU, .deviceAbsent, .deviceOther,
        .deviceIsBridge, .deviceReserved, .tooManyVirtualFunctions, .virtualFunctionDisabled, .noReset, .resetShared,
        .groupSplit, .siblingsSplit, .siblingOfHousekeeping, .cacheUndivided, .tooFewWays, .cacheTakenTwice,
        .bandwidthUnlimited, .bandwidthInPercent, .bandwidthInAmounts, .bandwidthOutOfRange, .tooFewClasses,
        .noMemoryKeys, .tooFewMemoryKeys, .noSecureBoot, .noTPM,
        .oldVersion, .tpmUnusable,
    ]

    /// The number and the sentence, which `R84 this machine ...` is.
    private var parts: [Substring] { rawValue.text.description.split(separator: " ", maxSplits: 1) }

    public var number: UInt8 { UInt8(parts[0].dropFirst()) ?? 0 }
    fileprivate var words: Substring { parts[1] }

    fileprivate var advice: String {
        switch self {
        case .encoding:
            "The file was damaged or cut short on its way, or another program wrote it. Make it again with "
                + "`bulkhead manifest compile` and copy it to \\BULKHEAD\\manifest.cbor of the boot volume."
        case .tooLarge:
            "This is no manifest, or it has bytes behind its end: make it again with `bulkhead manifest compile`."
        case .unsupportedVersion, .missingKey, .unknownKey, .unknownValue:
            "The manifest was compiled by another version of the tool than this hypervisor came with. Compile it with "
                + "the tool of the same version."
        case .notSigned, .otherSignature:
            "Make the boot volume again with `bulkhead image --keys FOLDER` and the owner's keys. Where nobody has changed "
                + "it since, somebody else did: find out who."
        case .imagesUnknown: "Make the boot volume again with `bulkhead image --keys FOLDER`, which hashes the images."
        case .tooManyPartitions: "Leave partitions out, or put guests of one owner into one partition."
        case .noPartitions: "Add a partition: `partitions:` and below it `- name: ...`."
        case .noCores: "Give the partition at least one core: `cores: [1]`. Each core runs one vCPU."
        case .coreClaimedTwice: "Give the core to one of the two: cores are never shared."
        case .memoryTooSmall, .memorySizeUnaligned: "Give it a multiple of 2M, at least 16M."
        case .memoryBaseUnaligned: "Choose an address that is a multiple of 2 MiB, or leave `at` out."
        case .memoryTooLarge: "Choose a smaller size or a lower address."
        case .memoryOverlap: "Move one of the two, or leave `at` out of one, so that the hypervisor finds room for it."
        case .imageMissing: "Name a kernel: `image: {kernel: ...}`."
        case .tooManyCores: "Split the guest in two partitions, or give it fewer cores."
        case .tooManyDevices: "Give some of the functions to another partition."
        case .deviceNamedTwice: "Take one of the two lines out."
        case .deviceClaimedTwice:
            "Give the function to one of the two. Where it has virtual functions (SR-IOV), each can have its own."
        case .tpmClaimedTwice: "Write `tpm: true` at one partition; others can ask it by a channel."
        case .channelEnds: "Name two different partitions: `ends: [one, other]`."
        case .tooFewCores: "Lower `machine.cores` and the cores that partitions name, or boot it on a larger machine."
        case .tooLittleMemory:
            "Lower `machine.memory` and the partitions' memory, or boot it on a larger machine. Firmware and display "
                + "keep some for themselves."
        case .housekeepingAbsent, .coreAbsent:
            "Name a core that the machine has: `bulkhead inventory` lists them. A core that the firmware has switched "
                + "off does not count."
        case .memoryNotFree:
            "The firmware, a device or another partition has that memory, or there is none. Leave `at` out, so that the "
                + "hypervisor finds room, or choose among what `bulkhead inventory` lists."
        case .noRoomForMemory:
            "A partition's memory is one piece. Give this one less, or another one with a fixed address a better place; "
                + "`bulkhead inventory` lists what is free."
        case .noIOMMU:
            "Without an IOMMU a device reaches all memory, so that none is given away. Switch it on in the firmware's "
                + "setup (VT-d, AMD IOMMU), or take `devices` out."
        case .deviceAbsent:
            "Compare the address with `bulkhead inventory`: it changes when cards are moved. A function that firmware "
                + "has switched off is not there."
        case .deviceOther:
            "The card in this slot is another one. Correct the address or `id`; `bulkhead inventory` has both."
        case .deviceIsBridge: "Take it out: give away functions behind the bridge instead."
        case .deviceReserved: "Take it out, or switch off in the firmware's setup what uses it (often USB or graphics)."
        case .tooManyVirtualFunctions: "Lower `virtual-functions`."
        case .virtualFunctionDisabled:
            "Give the physical function to a partition as well, with as many `virtual-functions`; it may be another one."
        case .noReset:
            "What one guest leaves in the function reaches the next one. Write `reset: none` to accept that, or use "
                + "another card."
        case .resetShared: "Give all functions of that bus to one partition."
        case .groupSplit:
            "Functions of one isolation group reach each other past the IOMMU. Give the whole group to one partition, or "
                + "leave the others without an owner."
        case .siblingsSplit, .siblingOfHousekeeping:
            "Threads of one physical core can spy on each other. Give both to one partition, switch SMT off in the "
                + "firmware's setup, or write `accept: [split-smt]` in each of the two partitions."
        case .cacheUndivided, .bandwidthUnlimited:
            "`bulkhead inventory` says what the processor can divide (Intel RDT, AMD PQoS). Take the key out, or write "
                + "`accept: [shared-cache]`: then the partition goes without where the machine cannot."
        case .tooFewWays:
            "Ask for less: partitions on cores that share a cache share its ways, those that devices fill are given to nobody, "
                + "and one is kept for everybody else. `bulkhead inventory` lists them."
        case .cacheTakenTwice:
            "Of those that share a cache one alone can write `exclusive`; give the others ways or a percentage."
        case .bandwidthInPercent: "Write a percentage: `bandwidth: 40%`."
        case .bandwidthInAmounts: "Write an amount, which AMD's processors take: `bandwidth: 12 GB/s`."
        case .bandwidthOutOfRange: "`bulkhead inventory` has the least and the most that the processor limits cores to."
        case .tooFewClasses:
            "Each partition with `cache` or `bandwidth` takes one class of service. Take these keys out where they matter least."
        case .noMemoryKeys:
            "Write `memory-key: preferred` to go without where the machine has none. Documentation/resources.md says what each "
                + "processor offers, and what firmware has to switch on."
        case .noSecureBoot:
            "Enrol the owner's keys in the firmware's setup and switch Secure Boot on, with a `BULKHEAD.EFI` that is signed for it "
                + "(Documentation/trust.md), or take `secure-boot` out of `require`."
        case .noTPM:
            "Switch the TPM (2.0: fTPM, PTT) on in the firmware's setup. Where it is on, a line before this one says what it refused "
                + "to measure. Or take `tpm` out of `require`: then nothing can be attested."
        case .oldVersion:
            "Somebody gave this machine a manifest that its owner has replaced: find out who. Where it is meant, give the manifest a "
                + "`security-version` that is not lower, and sign it anew. None below 18446744073709551615: what lies in the counter's place was never raised, is no counter, or "
                + "the TPM does not say; `bulkhead counter` where the TPM is tells which (Documentation/sealing.md)."
        case .tpmUnusable:
            "A partition can have a TPM 2.0 that is all registers at FED40000h: start method 6 (FIFO), or 7 (CRB) with its control area "
                + "at FED40040h. 0: there is none, or it refused to measure: switch it on in the firmware's setup. Another number: that "
                + "kind keeps commands in memory (AMD's fTPM): choose the discrete TPM (or PTT) there, or take `tpm: true` out."
        case .tooFewMemoryKeys: "Write `memory-key: preferred` in some of the partitions."
        }
    }
}

extension ManifestRule {
    fileprivate var phrase: String {
        switch self {
        case .machineCoresOutOfRange: "the machine is to have an impossible number of cores"
        case .machineMemoryTooLarge: "the machine is to have more memory than a processor can address"
        case .memoryBeyondMachine: "the partitions take more memory together than the machine is required to have"
        case .housekeepingOutOfRange: "the housekeeping core is beyond the machine's cores"
        case .nameEmpty: "a name is missing"
        case .nameStart: "a name does not start with a letter"
        case .nameCharacter: "a name has a character that names do not have"
        case .duplicateName: "two partitions have the same name"
        case .coreOutOfRange: "a partition claims a core beyond the machine's cores"
        case .pathForm: "a path has an empty part, or a part that starts or ends with a dot"
        case .pathCharacter: "a path has a character that paths do not have"
        case .pathReserved: "an image has the name of a file or folder that is kept beside the images"
        case .pathCaseClash: "two paths differ only in letter case, which the boot volume ignores"
        case .commandLineCharacter: "a command line has a character that is not printable ASCII"
        case .unknownOperation: "a partition permits unknown operations"
        case .virtualFunctionsOutOfRange: "a function is to enable an impossible number of virtual functions"
        case .unknownAcceptance: "a partition accepts unknown weaknesses"
        case .watchdogTooLong: "a watchdog waits too long for its first kick"
        case .watchdogUnserved: "a partition has a watchdog, and the housekeeping core no clock to see it by"
        case .housekeepingShareIgnored: "housekeeping asks for a part of caches or bandwidth on a partition's core"
        case .channelNames: "two channels have the same name"
        case .controlTwice: "two partitions are to be the control partition"
        case .tooManyVirtioFunctions: "a partition has more consoles and ends of channels than its bus has room for"
        case .sealedWithoutSecret: "an end of a channel is sealed, and its partition has no secret"
        case .sealedTooSmall: "a channel with a sealed end has too small an MTU"
        }
    }

    fileprivate var advice: String {
        switch self {
        case .machineCoresOutOfRange: "Write 1 to 64, or leave `machine.cores` out."
        case .machineMemoryTooLarge: "Lower `machine.memory`, or leave it out."
        case .memoryBeyondMachine: "Raise `machine.memory` or lower the partitions' memory."
        case .housekeepingOutOfRange, .coreOutOfRange: "Name a lower core, or raise `machine.cores`."
        case .nameEmpty, .nameStart, .nameCharacter: "A name is 1 to 31 of a-z, 0-9 and -, and starts with a letter."
        case .duplicateName: "Managers tell partitions apart by their names: rename one."
        case .pathForm, .pathCharacter:
            "A path is up to 63 of a-z, A-Z, 0-9, - _ . and /; no part is empty, or starts or ends with a dot."
        case .pathReserved: "Rename it: these are taken: \(Manifest.reservedNames.joined(separator: ", "))."
        case .pathCaseClash: "Write both alike, or rename one."
        case .commandLineCharacter: "Take the character out."
        case .unknownOperation, .unknownAcceptance: "Name only what Documentation/manifest.md lists."
        case .virtualFunctionsOutOfRange: "Write 1 to 64."
        case .watchdogTooLong: "Write 1s to 1h."
        case .watchdogUnserved:
            "The core that answers managers looks for missed kicks by its own timer, which is a guest's where one runs on it. "
                + "Name a housekeeping core that no partition has."
        case .channelNames: "Rename one."
        case .controlTwice: "Write `control: true` at one partition; others reach it by a channel."
        case .tooManyVirtioFunctions: "Leave a channel out, or the virtio console."
        case .sealedWithoutSecret:
            "Both machines' partitions need the same `secret`, sealed to each one's TPM (Documentation/sealing.md)."
        case .sealedTooSmall: "Write 102 or more, or leave `mtu` out: sealing takes 34 bytes of each frame."
        case .housekeepingShareIgnored:
            "A core has one class of service. Write `cache` and `bandwidth` at the partition alone, or name a housekeeping core "
                + "that no partition has."
        }
    }
}
