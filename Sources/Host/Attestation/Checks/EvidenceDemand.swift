import SignedImages

/// What evidence has to agree with: all of it is the owner's.
public struct EvidenceDemand: Sendable {
    /// That was sent to the machine.
    public var nonce: [UInt8]
    /// That was enrolled for the machine.
    public var key: AttestationKey
    public var expected: ExpectedMeasurements
    /// The hypervisor as it lies on the volume.
    public var program: [UInt8]
    /// How the volume is called in messages.
    public var volume: String
    public var requiresSecureBoot: Bool
    /// Evidence of the start at which the machine was enrolled; nil: firmware, drivers and Secure Boot's keys are not compared.
    public var baseline: Evidence?
    /// Evidence of the same machine that was accepted before.
    public var earlier: Evidence?

    public init(
        nonce: [UInt8], key: AttestationKey, expected: ExpectedMeasurements, program: [UInt8], volume: String,
        baseline: Evidence?, requiresSecureBoot: Bool = false, earlier: Evidence? = nil
    ) {
        (self.nonce, self.key, self.expected, self.program) = (nonce, key, expected, program)
        self.baseline = baseline
        (self.volume, self.requiresSecureBoot, self.earlier) = (volume, requiresSecureBoot, earlier)
    }
}
