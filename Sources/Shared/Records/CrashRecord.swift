import Remapping
import Text
import X86

/// What is kept of one crash: 64 words of 64 bits, little endian, in memory that a warm reset leaves alone and later in
/// `\BULKHEAD\crash.bin`. The first word is written last and holds a magic and the checksum of all others, so that a record
/// that was cut short, or that firmware has overwritten, is none.
public struct CrashRecord: Sendable {
    public static let wordCount = 64
    /// Bytes.
    public static let size = wordCount * 8
    /// "BHCR" in memory.
    static let magic: UInt64 = 0x5243_4842

    public var words: [64 of UInt64]

    public init() { words = .init(repeating: 0) }

    public mutating func clear() { for i in 0..<Self.wordCount { words[i] = 0 } }

    public subscript(field: CrashField) -> UInt64 {
        get { words[field.rawValue] }
        set { words[field.rawValue] = newValue }
    }

    /// What happened; nil for a kind of a later version.
    public var kind: CrashKind? { CrashKind(rawValue: UInt8(truncatingIfNeeded: self[.place])) }
    /// The exception's vector, where there was one.
    public var vector: UInt8 { UInt8(truncatingIfNeeded: self[.place] >> 8) }
    /// The core's number, nil for the boot code.
    public var core: Int? { self[.place] >> 16 & 0xFF == 0xFF ? nil : Int(self[.place] >> 16 & 0xFF) }
    /// The vCPU's number, nil where no partition was concerned.
    public var vcpu: Int? { self[.place] >> 24 & 0xFF == 0xFF ? nil : Int(self[.place] >> 24 & 0xFF) }
    /// Whether the hypervisor's, or a guest's, registers are there.
    public var hasFrame: Bool { self[.place] >> 32 & 1 != 0 }
    public var hasGuest: Bool { self[.place] >> 33 & 1 != 0 }

    /// Begins the record. Cores and vCPUs are numbered below 255.
    public mutating func setPlace(_ kind: CrashKind, vector: UInt64 = 0, core: Int?, vcpu: Int?) {
        let core = UInt64(truncatingIfNeeded: core ?? 0xFF) & 0xFF
        let vcpu = UInt64(truncatingIfNeeded: vcpu ?? 0xFF) & 0xFF
        self[.place] = UInt64(kind.rawValue) | (vector & 0xFF) << 8 | core << 16 | vcpu << 24
    }
    /// Notes that the hypervisor's registers are in the record.
    public mutating func addFrame() { self[.place] |= 1 << 32 }
    /// Notes that a guest's registers are in the record, and whose processor's exit codes.
    public mutating func addGuest(cs: UInt64, _ vendor: Vendor) {
        self[.place] |= 1 << 33 | (vendor == .intel ? 1 << 34 : 0) | (cs & 0xFFFF) << 48
    }
    /// What a device tried.
    public mutating func setDevice(_ fault: DeviceFault) { (self[.error], self[.detail]) = (fault.code, fault.address) }
    /// The device's bus, device and function.
    public var requester: UInt16 { UInt16(truncatingIfNeeded: self[.error]) }

    /// A register of `registers` or `guestRegisters`, by its number in their order.
    public subscript(first: CrashField, index: Int) -> UInt64 {
        get { words[first.rawValue &+ index] }
        set { words[first.rawValue &+ index] = newValue }
    }

    /// Ends the record: magic and checksum. Being `mutating`, it reads the words where they are: a function that is not gets a
    /// copy of them all, for which a double fault has no stack to spare.
    public mutating func seal() {
        var sum = CRC32C()
        for i in 1..<Self.wordCount {
            for byte in UInt64(0)..<8 { sum.add(UInt8(truncatingIfNeeded: words[i] >> (byte * 8))) }
        }
        words[0] = Self.magic | UInt64(sum.value) << 32
    }

    /// Whether a record may begin with this word.
    public static func mayBegin(with word: UInt64) -> Bool {
        UInt32(truncatingIfNeeded: word) == UInt32(truncatingIfNeeded: magic)
    }

    /// Whether this is a record, whole and unchanged.
    public var isValid: Bool {
        var copy = self
        copy.seal()
        return words[0] == copy.words[0]
    }

    /// The partition's name.
    public var partition: Text<24> {
        var name = Text<24>()
        for i in 0..<24 {
            let byte = UInt8(truncatingIfNeeded: self[.partition, i / 8] >> UInt64(i % 8 * 8))
            if byte == 0 { break }
            name.append(byte)
        }
        return name
    }
    /// Names the partition, once; what is behind the 24th byte is cut.
    public mutating func setPartition(_ name: Text<31>) {
        for i in 0..<min(name.count, 24) { self[.partition, i / 8] |= UInt64(name.bytes[i]) << UInt64(i % 8 * 8) }
    }

}

/// The words of a record by name.
public enum CrashField: Int, Sendable {
    /// The number of the core's record since the machine started, from 1.
    case sequence = 1
    /// Kind, vector, core and vCPU, a byte each; which registers are there; the guest's code segment.
    case place
    /// The manifest's checksum (CRC32C) and, above it, the program's (`SymbolTable.fingerprint`).
    case origin
    /// Of an exception of the hypervisor, its error code; of a guest, the processor's code of its last exit; of a device,
    /// `DeviceFault.code`.
    case error
    /// Time-stamp counter; microseconds since the firmware started the hypervisor; Unix seconds of that moment, 0 where the
    /// firmware had no clock.
    case tsc, uptime, bootTime
    /// The guest-physical address that the last exit named; the address that a device wanted; the
    /// vCPU whose core was lost.
    case detail
    case cr2
    /// The hypervisor's place in its image.
    case imageOffset
    case rsp, rflags, cr3
    /// The hypervisor's RAX, RBX, RCX, RDX, RSI, RDI, RBP, R8 to R15.
    case registers
    /// The guest's, in the same order.
    case guestRegisters = 29
    case guestRIP = 44
    case guestRSP, guestRFLAGS, guestCR0, guestCR3, guestCR4, guestEFER
    /// The latest of the exits that are not answered at once, oldest first: the processor's code of each in 16 bits (FFFFh:
    /// none), then the guest's RIP at each.
    case exitCodes = 51
    case exitRIPs = 53
    /// The partition's name, up to 24 bytes, zero at the end.
    case partition = 61
}

/// What ended badly.
public enum CrashKind: UInt8, Sendable {
    /// An exception of the hypervisor on a core of its own.
    case hypervisorFault = 1
    /// An exception of the hypervisor while it set the machine up.
    case bootFault = 2
    /// The guest shut its processor down.
    case tripleFault = 3
    /// The guest did what it cannot go on after.
    case violation = 4
    /// The guest's kernel said that it panicked.
    case panic = 5
    /// A device reached where it may not.
    case deviceFault = 6
    /// The processor did not enter the state of the guest: `InvalidStateRecord`.
    case invalidState = 7
    /// A core of the partition did not answer; the detail is its vCPU.
    case coreLost = 8
    /// The guest did not kick its watchdog in time: where its first vCPU was then.
    case watchdog = 9
    /// The watch has answered a change to the guest's kernel: the vector is its rule, the detail the address, the first two of
    /// `registers` eight bytes there, as they were and as they were to be.
    case attack = 16

    /// Whether a record of this kind may take slot `index` of 8 from one of kind `old`; nil where none is. Devices' faults have
    /// the second half alone, and keep what they have there: a guest that causes one after each start, or ends after each,
    /// leaves the others' records.
    public func mayReplace(_ old: CrashKind?, at index: UInt64) -> Bool {
        self == .deviceFault ? index >= 4 : old != .deviceFault
    }

    /// The words for tables and reports; stable.
    public var name: StaticString {
        switch self {
        case .hypervisorFault: "hypervisor fault"
        case .bootFault: "boot fault"
        case .tripleFault: "triple fault"
        case .violation: "violation"
        case .panic: "panic"
        case .deviceFault: "device fault"
        case .invalidState: "invalid guest state"
        case .coreLost: "core lost"
        case .watchdog: "watchdog"
        case .attack: "attack"
        }
    }
}
