import PCI
import Resources
import Text

extension ManifestError.Reason {
    /// The sentence that tells it, with facts in their places:
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
    public var words: StaticString {
        switch self {
        case .encoding: "the manifest is damaged at byte %v (CBOR error %b); compile it again"
        case .tooLarge: "the manifest has %v bytes; the most that is read is %b"
        case .unsupportedVersion: "the manifest's format version is %v; this program reads version %b"
        case .missingKey: "the description of %p lacks key %v"
        case .unknownKey: "the description of %p has the unknown key %v"
        case .unknownValue: "%p has the unknown value %v in key %b"
        case .tooManyPartitions: "there are %v partitions; the most is %b"
        case .notSigned: "the manifest is not signed; this BULKHEAD.EFI has its owner's key and starts nothing else"
        case .otherSignature: "the manifest's signature is not by the owner whose key this BULKHEAD.EFI has"
        case .imagesUnknown: "the manifest does not say what the images of %p are, as one that is signed must"
        case .noPartitions: "there is no partition; at least one is needed"
        case .noCores: "%p has no cores; at least one is needed"
        case .coreClaimedTwice: "core %v is claimed by %o and by %p; a core belongs to one partition"
        case .memoryTooSmall: "the memory of %p is %s; the least is %t"
        case .memorySizeUnaligned: "the memory of %p is %s, which is not a multiple of 2 MiB"
        case .memoryBaseUnaligned: "the memory of %p starts at %a, which is not a multiple of 2 MiB (0x200000)"
        case .memoryTooLarge: "the memory of %p, %s from %c, is beyond what a processor can address (52 bits)"
        case .memoryOverlap: "the memory of %o and of %p overlaps at %a"
        case .imageMissing: "%p has no image to start"
        case .tooManyCores: "%p has %v cores; the most is %b"
        case .tooManyDevices: "%p has %v devices; the most is %b"
        case .deviceNamedTwice: "function %f is named twice in %p"
        case .deviceClaimedTwice: "function %f is claimed by %o and by %p; a function belongs to one partition"
        case .channelEnds: "channel %v (counted from 0) does not lead from one partition to another one"
        case .tooFewCores: "this machine has %v core%m; the manifest requires %b"
        case .tooLittleMemory: "this machine has %s of memory; the manifest requires %t"
        case .housekeepingAbsent: "this machine has no core %v, which the manifest names for housekeeping"
        case .coreAbsent: "this machine has no core %v, which belongs to %p"
        case .memoryNotFree: "%p claims %t of memory at %a, where this machine has no such free memory"
        case .noRoomForMemory: "this machine has no free piece of memory for the %s of %p"
        case .noIOMMU:
            "%p has devices, but this machine has no usable IOMMU: none, or switched off in its firmware"
        case .deviceAbsent: "function %f of %p is not in this machine"
        case .deviceOther: "function %f of %p is %i in this machine; the manifest says %j"
        case .deviceIsBridge:
            "function %f of %p is part of the machine itself (a bridge or an IOMMU): nobody can own it"
        case .deviceReserved: "function %f of %p cannot be owned: the firmware goes on using it for its own purposes"
        case .tooManyVirtualFunctions:
            "function %f of %p has %b virtual functions in this machine; the manifest wants more"
        case .virtualFunctionDisabled:
            "function %f of %p exists only if function %h belongs to a partition, with virtual-functions: %l or more"
        case .noReset: "function %f of %p cannot be reset between two guests; \"reset: none\" would accept that"
        case .resetShared:
            "function %f of %p can only be reset together with its bus, and with it %g of %o"
        case .groupSplit: "function %f of %p is in one isolation group with %g of %o"
        case .siblingsSplit:
            "core %v of %p and core %b of %o are threads of one core; \"accept: [split-smt]\" would allow it"
        case .siblingOfHousekeeping:
            "core %v of %p and core %b, for housekeeping, are threads of one core; \"accept: [split-smt]\" would allow it"
        case .cacheUndivided:
            "%p asks for a part of the level %v cache, which this machine cannot divide; \"accept: [shared-cache]\" would allow it"
        case .tooFewWays: "%p asks for %v ways of the level %u cache; %l are left together"
        case .cacheTakenTwice: "%p asks for what is left of the level %v cache, and another one that shares it does too"
        case .bandwidthUnlimited:
            "%p limits memory bandwidth, which this machine cannot; \"accept: [shared-cache]\" would allow it"
        case .bandwidthInPercent: "%p limits memory bandwidth by an amount; this machine does so in percent"
        case .bandwidthInAmounts: "%p limits memory bandwidth in percent; this machine does so in GB/s"
        case .bandwidthOutOfRange: "%p limits memory bandwidth to %v; this machine's bound is %b"
        case .tooFewClasses: "%p and those with whom it shares a cache need %v classes of service; this machine has %b"
        case .noMemoryKeys: "%p requires a memory key; %z"
        case .noSecureBoot: "the manifest requires Secure Boot, which is off in this machine"
        case .noTPM: "the manifest requires a TPM; this machine has none that took all measurements"
        case .tooFewMemoryKeys: "%v partitions require memory keys; this machine has %b"
        }
    }
}

extension ManifestError {
    /// Writes one sentence in plain words, without a line end. `manifest` is the one that was refused: it gives the
    /// partitions' names; it may be invalid, or emptied by the `decode` that refused it.
    public func describe<S: ByteSink & ~Copyable>(_ manifest: borrowing Manifest, to sink: inout S) {
        var at = 0
        while let fact = sink.write(reason.words, from: &at) { write(fact: fact, manifest, to: &sink) }
    }

    private func write<S: ByteSink & ~Copyable>(fact: UInt8, _ manifest: borrowing Manifest, to sink: inout S) {
        switch fact {
        case UInt8(ascii: "p"): Self.who(partition, manifest, &sink)
        case UInt8(ascii: "o"): Self.who(other, manifest, &sink)
        case UInt8(ascii: "v"): sink.write(decimal: value)
        case UInt8(ascii: "b"): sink.write(decimal: bound)
        case UInt8(ascii: "s"): sink.write(size: value)
        case UInt8(ascii: "t"): sink.write(size: bound)
        case UInt8(ascii: "a"): sink.write(hexadecimal: value)
        case UInt8(ascii: "c"): sink.write(hexadecimal: bound)
        case UInt8(ascii: "f"): sink.write(function: value)
        case UInt8(ascii: "g"): sink.write(function: bound)
        case UInt8(ascii: "h"): sink.write(function: bound >> 32)
        case UInt8(ascii: "l"): sink.write(decimal: bound & 0xFFFF_FFFF)
        case UInt8(ascii: "u"): sink.write(decimal: bound >> 32)
        case UInt8(ascii: "z"):
            sink.write((MemoryKeyObstacle(rawValue: UInt8(truncatingIfNeeded: value)) ?? .absent).words)
        case UInt8(ascii: "i"): sink.write(identifier: bound >> 32)
        case UInt8(ascii: "j"): sink.write(identifier: bound)
        default: if value != 1 { sink.write("s") }
        }
    }

    /// `partition "name"`, or its number where it has no name that can be shown.
    private static func who<S: ByteSink & ~Copyable>(
        _ index: Int?, _ manifest: borrowing Manifest, _ sink: inout S
    ) {
        guard let index else { return sink.write("the machine") }
        sink.write("partition ")
        // Not bounded by partitionCount: a refused manifest has none, but its names are still there.
        guard index >= 0, index < Manifest.maxPartitions, !manifest.partitions[index].name.isEmpty else {
            return sink.write("number %d", UInt64(clamping: index) &+ 1)
        }
        sink.write("\"")
        sink.writePrintable(manifest.partitions[index].name)
        sink.write("\"")
    }
}

extension ByteSink where Self: ~Copyable {
    /// As `lspci` and manifests write it: `01:10.2`.
    public mutating func write(_ address: FunctionAddress) {
        write(hexadecimal: UInt64(address.bus), digits: 2)
        write(":")
        write(hexadecimal: UInt64(address.device), digits: 2)
        write(".")
        write(hexadecimal: UInt64(address.function), digits: 1)
    }

    fileprivate mutating func write(function requester: UInt64) {
        write(FunctionAddress(requester: UInt16(truncatingIfNeeded: requester)))
    }

    /// Vendor in bits 31:16 and device below: `8086:10d3`.
    fileprivate mutating func write(identifier: UInt64) {
        write(hexadecimal: identifier >> 16, digits: 4)
        write(":")
        write(hexadecimal: identifier, digits: 4)
    }
}
