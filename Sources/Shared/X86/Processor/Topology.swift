/// How the APIC ids of a machine fall into packages, cores and threads (Intel SDM volume 3, section 9.9; AMD64 APM
/// volume 3, appendix E). All processors of a machine are taken to be alike.
public struct Topology: Equatable, Sendable {
    /// How many low bits of an APIC id tell the threads of one core apart; 0 where a core has one thread.
    public let threadBits: UInt32
    /// How many low bits tell the threads of one package apart; at least `threadBits`.
    public let packageBits: UInt32

    /// - Parameter native: the silicon's answer to a leaf and subleaf of CPUID.
    public init(_ vendor: Vendor, native: (UInt32, UInt32) -> CPUIDRegisters) {
        let basic = native(0, 0).eax, extended = native(0x8000_0000, 0).eax
        if basic >= 0x1F, vendor == .intel, let found = Self(levelsOf: 0x1F, native) {
            self = found
        } else if basic >= 0xB, let found = Self(levelsOf: 0xB, native) {
            self = found
        } else if vendor == .amd, extended >= 0x8000_0008 {
            self.init(withoutLevels: native, hasUnits: extended >= 0x8000_001E)
        } else {
            self.init(threadBits: 0, packageBits: 0)
        }
    }

    init(threadBits: UInt32, packageBits: UInt32) {
        self.threadBits = min(threadBits, 31)
        self.packageBits = min(max(threadBits, packageBits), 31)
    }

    /// Leaves 0Bh and 1Fh: one subleaf a level, each with its kind and the bits of all levels up to it; nil when the leaf is
    /// empty.
    private init?(levelsOf leaf: UInt32, _ native: (UInt32, UInt32) -> CPUIDRegisters) {
        var thread: UInt32 = 0, package: UInt32 = 0
        var levels = 0
        // No processor has more than the six kinds of level that are defined.
        for subleaf: UInt32 in 0..<8 {
            let answer = native(leaf, subleaf)
            let kind = answer.ecx >> 8 & 0xFF, bits = answer.eax & 0x1F
            if kind == 0 { break }
            if kind == 1 { thread = bits }
            package = max(package, bits)
            levels += 1
        }
        guard levels > 0 else { return nil }
        self.init(threadBits: thread, packageBits: package)
    }

    /// Leaf 80000008h has the bits of a package, 8000001Eh how many threads a core has.
    private init(withoutLevels native: (UInt32, UInt32) -> CPUIDRegisters, hasUnits: Bool) {
        let sizes = native(0x8000_0008, 0).ecx
        let named = sizes >> 12 & 0xF
        let threads = hasUnits ? native(0x8000_001E, 0).ebx >> 8 & 0xFF : 0
        self.init(
            threadBits: Self.bits(of: threads), packageBits: named != 0 ? named : Self.bits(of: sizes & 0xFF))
    }

    /// Bits in which the numbers from 0 to `last` can be told apart.
    private static func bits(of last: UInt32) -> UInt32 { UInt32(32 - last.leadingZeroBitCount) }

    /// The package's number.
    public func package(of apicID: UInt32) -> UInt32 { apicID >> packageBits }
    /// The core's number in its package.
    public func core(of apicID: UInt32) -> UInt32 { (apicID & ~(~0 << packageBits)) >> threadBits }
    /// The thread's number in its core.
    public func thread(of apicID: UInt32) -> UInt32 { apicID & ~(~0 << threadBits) }
    /// Whether two threads share one core, and with it caches, buffers and predictors.
    public func areSiblings(_ a: UInt32, _ b: UInt32) -> Bool { a >> threadBits == b >> threadBits }
}
