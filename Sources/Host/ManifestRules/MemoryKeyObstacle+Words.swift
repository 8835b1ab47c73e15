import Resources

// Root mode gives the number alone.
extension MemoryKeyObstacle {
    /// - Parameter number: an obstacle's raw value.
    static func words(_ number: UInt64) -> StaticString {
        (UInt8(exactly: number).flatMap(MemoryKeyObstacle.init) ?? .absent).words
    }

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
