import Manifest
import ManifestFile
import Watch

/// A verdict of the watch in words.
public struct WatchAttack {
    public let rule, response, words: String

    /// - Parameter code: as of an event.
    public init(code: UInt64, address: UInt64) {
        let rule = WatchRule(rawValue: UInt8(truncatingIfNeeded: code))
        let answer = WatchResponse(rawValue: UInt8(truncatingIfNeeded: code >> 8)) ?? .off
        self.rule = rule?.name ?? "unknown"
        response = answer.told
        words = (rule?.words ?? "a rule of another version was broken") + ", " + Self.detail(rule, address)
    }

    private static func detail(_ rule: WatchRule?, _ value: UInt64) -> String {
        switch rule {
        case .text, .constants, .interruptTable: "at guest-physical \(Quantity.hexadecimal(value))"
        case .notLocked:
            WatchPhase(rawValue: UInt8(truncatingIfNeeded: value))?.obstacle ?? "for a reason of another version"
        default: "to \(Quantity.hexadecimal(value))"
        }
    }
}

extension WatchRule {
    /// For programs; stable.
    public var name: String {
        switch self {
        case .text: "text"
        case .constants: "constants"
        case .interruptTable: "interrupt-table"
        case .cr0: "cr0"
        case .cr4: "cr4"
        case .interruptRegister: "idtr"
        case .descriptorRegister: "gdtr"
        case .star: "star"
        case .systemCallEntry: "lstar"
        case .compatibilityEntry: "cstar"
        case .systemCallMask: "sfmask"
        case .sysenterSegment: "sysenter-cs"
        case .sysenterStack: "sysenter-esp"
        case .sysenterEntry: "sysenter-eip"
        case .efer: "efer"
        case .apicBase: "apic-base"
        case .notLocked: "not-locked"
        }
    }

    public var words: String {
        switch self {
        case .text: "the kernel's text was written where the kernel does not patch it"
        case .constants: "the kernel's constants were written"
        case .interruptTable: "the interrupt table was written"
        case .cr0: "CR0.WP was cleared, which lets the kernel write to read-only pages"
        case .cr4: "SMEP, SMAP or UMIP was cleared in CR4"
        case .interruptRegister: "the interrupt table was moved (LIDT)"
        case .descriptorRegister: "the descriptor table was moved (LGDT)"
        case .star, .systemCallEntry, .compatibilityEntry, .systemCallMask, .sysenterSegment, .sysenterStack,
            .sysenterEntry:
            "the way that system calls take was changed (\(name.uppercased()))"
        case .efer: "SYSCALL or no-execute was switched off in EFER"
        case .apicBase: "the x2APIC was switched off"
        case .notLocked: "the kernel could not be locked"
        }
    }
}

extension WatchPhase {
    /// Why the kernel could not be locked; nil where it is, or may be yet.
    public var obstacle: String? {
        switch self {
        case .off, .waiting, .locked: nil
        case .noTable:
            "because the boot volume has no table of sites for its image, or a damaged one: make the volume anew"
        case .otherKernel:
            "because what runs is not the image's kernel, is mapped in too many pages, or has no x2APIC mode (nox2apic)"
        case .notReadOnly: "because it leaves its text writable (is rodata=off on its command line?)"
        case .outsideMemory: "because part of it lies above 3 GiB"
        case .outOfFrames: "because the frames that were set aside for it are too few"
        }
    }
}

extension WatchResponse {
    /// What was done.
    public var told: String {
        switch self {
        case .off, .report: "let through"
        case .refuse: "refused"
        case .freeze: "refused, and the guest is paused"
        case .kill: "refused, and the guest has ended"
        case .restart: "refused, and the guest starts anew"
        }
    }
}
