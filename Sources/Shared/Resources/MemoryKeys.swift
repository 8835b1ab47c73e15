import X86

/// Why no partition can have a memory key of its own.
public enum MemoryKeyObstacle: UInt8, Sendable {
    case absent = 0
    /// AMD's SME has one key for the whole machine.
    case oneKey = 1
    case notActivated = 2
    case severalPackages = 3
    case noRandomKeys = 4

    public var words: StaticString {
        switch self {
        case .absent: "the processor has none (TME-MK, CPUID 7 ECX[13], EDX[18])"
        case .oneKey: "an AMD processor has one key for all memory (SME), none for each partition"
        case .notActivated: "the firmware has not activated them (TME_ACTIVATE, MSR 982h); its set-up may have a switch"
        case .severalPackages: "the machine has several packages, for which this version does not set keys"
        case .noRandomKeys: "the processor does not make random keys by XTS-128 or XTS-256 (PCONFIG)"
        }
    }
}

/// One key of the memory controller's, by its number (Intel TME-MK, 336907 revision 1.3). Noncopyable: a partition that has it is the
/// only one. Number 0, the machine's own key, is nobody's.
public struct KeyIdentifier: ~Copyable {
    public let bits: KeyBits
    /// What PCONFIG is told to make a new random key (`MemoryKeys.program`); 0: this one never changes.
    public let program: UInt64
    fileprivate init(bits: KeyBits, program: UInt64) { (self.bits, self.program) = (bits, program) }
}

/// The bits of an address that name a key. What is made of them is an address as page tables have it, and nothing else: `encode` is how
/// root, nested and remapping tables alike name a guest's frame.
public struct KeyBits: Hashable, Sendable {
    fileprivate let raw: UInt64
    /// Of what is no guest's memory.
    public static let none = KeyBits(raw: 0)
    public func encode(_ frame: UInt64) -> UInt64 { frame | raw }
}

/// With which key a partition's memory is encrypted.
public enum MemoryKeyChoice: Equatable, Sendable {
    /// With none that it asked for.
    case none
    /// With the machine's (AMD SME).
    case machine
    /// With its own, by number from 1 on.
    case own(UInt32)
}

/// What TME-MK offers here, by CPUID 7, 1Bh, 80000008h and the registers that firmware has locked.
public struct MemoryKeys: Equatable, Sendable {
    public static let capability: UInt32 = 0x981, systemConfiguration: UInt32 = 0xC001_0010
    /// The lowest of the address bits that name a key.
    public private(set) var shift: UInt32 = 0
    /// Keys are 1 to this.
    public private(set) var highest: UInt32 = 0
    /// The algorithm that PCONFIG is asked for, one bit as in MSR 982h[63:48]: XTS-256 before XTS-128.
    public private(set) var algorithm: UInt16 = 0
    public private(set) var obstacle: MemoryKeyObstacle?
    /// The bit of an address that the machine's one key goes by (AMD SME, 8000001Fh EBX[5:0]); 0: there is none, or firmware has
    /// not switched it on (SYSCFG[23]).
    public private(set) var machineBit: UInt64 = 0
    /// The register by which encryption is on, and what it held when it was looked at; 0: it is not on.
    public private(set) var register: UInt32 = 0
    public private(set) var setting: UInt64 = 0
    private var taken: UInt64 = 0

    /// - Parameters:
    ///   - highest: as many keys as somebody knows of; `obstacle`: why there are none, nil where it is not known.
    public init(highest: UInt32 = 0, obstacle: MemoryKeyObstacle? = nil) {
        (self.highest, self.obstacle) = (highest, obstacle)
    }

    /// - Parameters:
    ///   - native: the silicon's answer to a leaf and subleaf of CPUID.
    ///   - read: reads an MSR; 981h and 982h alone, and only where CPUID says that they exist.
    public init(
        _ vendor: Vendor, packages: Int, native: (UInt32, UInt32) -> CPUIDRegisters, read: (UInt32) -> UInt64
    ) {
        obstacle = .absent
        if vendor == .amd, native(0x8000_0000, 0).eax >= 0x8000_001F, native(0x8000_001F, 0).eax & 1 != 0 {
            obstacle = .oneKey
            let configuration = read(Self.systemConfiguration)
            if configuration & 1 << 23 != 0 {
                (register, setting) = (Self.systemConfiguration, configuration)
                machineBit = 1 << UInt64(native(0x8000_001F, 0).ebx & 0x3F)
            }
        }
        guard vendor == .intel, native(0, 0).eax >= 0x1B else { return }
        let features = native(7, 0)
        guard features.ecx & 1 << 13 != 0, features.edx & 1 << 18 != 0, Self.hasTarget(native) else { return }
        let active = read(AddressWidth.activation), capable = read(Self.capability)
        // The upper ones of the bits for keys may be TDX's: PCONFIG and page tables of others may not have them.
        let width = UInt32(active >> 32 & 0xF), ours = width - min(UInt32(active >> 36 & 0xF), width)
        let count = min(UInt32(capable >> 36 & 0x7FFF), (1 << ours) - 1)
        obstacle = .notActivated
        // Locked and switched on, with bits for keys. Bit 31 has key 0 alone go unencrypted.
        guard active & 3 == 3, width > 0, count > 0 else { return }
        // An algorithm that both the processor has (XTS-128: bit 0, XTS-256: bit 2) and firmware allows.
        let allowed = UInt16(truncatingIfNeeded: active >> 48) & UInt16(truncatingIfNeeded: capable) & 5
        obstacle = .noRandomKeys
        guard allowed != 0 else { return }
        obstacle = .severalPackages
        guard packages == 1 else { return }
        obstacle = nil
        (register, setting) = (AddressWidth.activation, active)
        (shift, highest) = (AddressWidth.bits(native: native, read: read), min(count, 63))
        algorithm = allowed & 4 != 0 ? 4 : 1
    }

    /// Leaf 1Bh lists what PCONFIG can be told: target 1 is TME-MK.
    private static func hasTarget(_ native: (UInt32, UInt32) -> CPUIDRegisters) -> Bool {
        for subleaf: UInt32 in 0..<8 {
            let said = native(0x1B, subleaf)
            if said.eax & 0xFFF == 0 { return false }
            if said.ebx == 1 || said.ecx == 1 || said.edx == 1 { return true }
        }
        return false
    }

    /// The bits of an address that name a key.
    public func bits(of key: MemoryKeyChoice) -> KeyBits {
        switch key {
        case .none: .none
        case .machine: KeyBits(raw: machineBit)
        case .own(let number): KeyBits(raw: UInt64(number) << UInt64(shift))
        }
    }

    /// Gives a key away; nil where there is no such, or it is somebody's.
    public mutating func take(_ key: MemoryKeyChoice) -> KeyIdentifier? {
        guard case .own(let number) = key else { return KeyIdentifier(bits: bits(of: key), program: 0) }
        guard number > 0, number <= highest, taken >> UInt64(number) & 1 == 0 else { return nil }
        taken |= 1 << UInt64(number)
        return KeyIdentifier(bits: bits(of: key), program: program(number))
    }

    /// The first 8 of the 256 bytes that PCONFIG reads (Intel SDM volume 2B, PCONFIG); the rest are zero: no entropy is added to
    /// the processor's own. Bytes 0 and 1: the key; 2 to 5: command 1, a random key, in bits 7:0, the algorithm in 23:8.
    private func program(_ number: UInt32) -> UInt64 { UInt64(number) | (1 | UInt64(algorithm) << 8) << 16 }
}
