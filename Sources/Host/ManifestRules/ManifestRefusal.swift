import Manifest
import PCI
import Text

/// One thing that is wrong with a manifest: by a rule of the tool's, or by what root mode would refuse.
public struct ManifestRefusal: Error, Equatable, Sendable {
    public enum Reason: Hashable, Sendable {
        case tool(ManifestRule)
        case hypervisor(ManifestError.Reason)
    }

    public var reason: Reason
    /// Which part of the manifest it is about.
    public var field: ManifestField
    /// The index of the partition concerned, if it is about one.
    public var partition: Int?
    /// The index of the partition that it clashes with.
    public var other: Int?
    /// What was found.
    public var value: UInt64
    /// What would have been right, or a second detail.
    public var bound: UInt64

    public init(_ error: ManifestError) {
        reason = .hypervisor(error.reason)
        field = ManifestField(error)
        (partition, other, value, bound) = (error.partition, error.other, error.value, error.bound)
    }

    init(
        _ rule: ManifestRule, _ field: ManifestField, partition: Int? = nil, other: Int? = nil, value: UInt64 = 0,
        bound: UInt64 = 0
    ) {
        reason = .tool(rule)
        self.field = field
        (self.partition, self.other, self.value, self.bound) = (partition, other, value, bound)
    }

    /// One sentence in plain words. `manifest` is the one that was refused.
    public func sentence(_ manifest: Manifest) -> String {
        switch reason {
        case .tool(let rule): return sentence(rule, manifest)
        case .hypervisor(.encoding):
            return "the manifest is damaged at byte \(value): \(CBORWords.words(bound))"
        case .hypervisor(let reason):
            return ManifestError(reason, partition: partition, other: other, value: value, bound: bound)
                .sentence(manifest)
        }
    }

    private func sentence(_ rule: ManifestRule, _ manifest: Manifest) -> String {
        let who = partition.map { partitionWords($0, manifest) } ?? (field == .channels ? "a channel" : "the machine")
        let name = "a name is 1 to 31 of a-z, 0-9 and -, and starts with a letter"
        let other = other.map { partitionWords($0, manifest) } ?? "another"
        let path = field == .initrd ? "the initrd of \(who)" : "the image of \(who)"
        switch rule {
        case .machineCoresOutOfRange: return "the machine is to have \(value) cores; 1 to \(bound) are possible"
        case .machineMemoryTooLarge:
            return "the machine is to have \(size(value)) of memory; no processor can address that much"
        case .memoryBeyondMachine:
            return "the partitions take \(size(value)) of memory together, but the machine is only required to have "
                + size(bound)
        case .housekeepingOutOfRange:
            return "the housekeeping core is \(value), but the machine's cores are 0 to \(bound &- 1)"
        case .nameEmpty: return "\(who) has no name"
        case .nameStart: return "the name of \(who) starts with \(character); \(name)"
        case .nameCharacter: return "the name of \(who) has \(character); \(name)"
        case .duplicateName:
            let shared = partition.map { printable(manifest.partitions[$0].name) } ?? ""
            let numbers = "\((self.other ?? 0) + 1) and \((partition ?? 0) + 1)"
            return "partitions number \(numbers) have the same name \"\(shared)\""
        case .coreOutOfRange: return "\(who) claims core \(value), but the machine's cores are 0 to \(bound &- 1)"
        case .pathForm: return "\(path) has a path with an empty part, or a part that starts or ends with a dot"
        case .pathCharacter: return "\(path) has \(character) in its path; a-z, A-Z, 0-9, - _ . and / are possible"
        case .pathReserved: return "\(path) has the name of a file or folder that is kept beside the images"
        case .pathCaseClash:
            return "\(path) and one of \(other) differ only in letter case, which the boot volume ignores"
        case .commandLineCharacter:
            return "the command line of \(who) has \(character); only printable ASCII is possible"
        case .unknownOperation: return "\(who) permits unknown operations: bits 0x\(String(value, radix: 16))"
        case .virtualFunctionsOutOfRange:
            return "function \(function(bound >> 32)) of \(who) is to enable \(value) virtual functions; "
                + "1 to \(bound & 0xFFFF) are possible"
        case .watchdogTooLong:
            return "the watchdog of \(who) waits \(value) s for its first kick; the most is \(bound) s"
        case .watchdogUnserved:
            let other = partitionWords(Int(value), manifest)
            return "\(who) has a watchdog, but \(other) has the housekeeping core, which then has no clock to see it by"
        case .housekeepingShareIgnored:
            let other = partitionWords(Int(value), manifest)
            return "housekeeping asks for a part of caches or bandwidth, but \(other) has its core, whose part counts"
        case .controlTwice: return "\(who) and \(other) are both to be the control partition"
        case .tooManyVirtioFunctions:
            return "\(who) has \(value) consoles and ends of channels, and a guest's bus has room for \(bound)"
        case .channelNames: return "channel number \(value + 1) has the name of another one"
        case .sealedWithoutSecret:
            return "\(who) has a sealed end of channel number \(value + 1), and no secret that its key could be made of"
        case .sealedTooSmall:
            return
                "a channel with a sealed end has an MTU of \(value); what its card is left with is too small below \(bound)"
        case .unknownAcceptance: return "\(who) accepts unknown weaknesses: bits 0x\(String(value, radix: 16))"
        }
    }

    private var character: String {
        guard 0x20...0x7E ~= value else { return "the byte 0x\(String(value, radix: 16))" }
        return "the character '\(Character(UnicodeScalar(UInt8(value))))'"
    }
}

extension ManifestError {
    /// The sentence of `describe`, as a string, without the number.
    public func sentence(_ manifest: Manifest) -> String { Self.unnumbered { describe(manifest, to: &$0) } }

    /// As the hypervisor says it on this machine, without the number.
    public func sentence(_ manifest: Manifest, on machine: MachineFacts) -> String {
        Self.unnumbered { describe(manifest, on: machine, to: &$0) }
    }

    private static func unnumbered(_ write: (inout Text<300>) -> Void) -> String {
        let words = string(write)
        return String(words[words.index(after: words.firstIndex(of: " ") ?? words.startIndex)...])
    }
}

/// `partition "name"`, or its number where it has no name.
private func partitionWords(_ index: Int, _ manifest: Manifest) -> String {
    guard !manifest.partitions[index].name.isEmpty else { return "partition number \(index + 1)" }
    return "partition \"\(printable(manifest.partitions[index].name))\""
}

private func string(_ write: (inout Text<300>) -> Void) -> String {
    var words = Text<300>()
    write(&words)
    return String(decoding: (0..<words.count).map { words.bytes[$0] }, as: UTF8.self)
}
private func printable<let n: Int>(_ text: Text<n>) -> String { string { $0.writePrintable(text) } }
private func size(_ bytes: UInt64) -> String { string { $0.write(size: bytes) } }
private func function(_ requester: UInt64) -> String {
    string { $0.write(FunctionAddress(requester: UInt16(truncatingIfNeeded: requester))) }
}
