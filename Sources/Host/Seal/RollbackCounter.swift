import Foundation
import TPM
import Trust

/// The TPM's counter of the security version: the hypervisor refuses a manifest whose version is below it, and does not
/// change it. It never goes back.
public struct RollbackCounter {
    public static var index: UInt32 { VersionCounter.index }
    /// How many increments one call makes at most: each one wears the TPM's NV memory.
    public static let mostIncrements: UInt64 = 1000
    /// TPM_NT_COUNTER; AUTHWRITE, AUTHREAD, OWNERWRITE, OWNERREAD, NO_DA: by the empty password, so that the hypervisor can.
    static let space = NVPublic(index: index, attributes: 0x0206_0016, size: 8)

    /// The TPM's name for it once it has a value, by all that it is: an index of another kind has another name, whatever its value.
    static let name: [UInt8] = {
        var written = space
        written.attributes |= NVPublic.written
        var area = TPMWriter()
        written.write(to: &area)
        var name = TPMWriter()
        name.put(written.algorithm)
        name.put(SHA256.digest(Data(area.bytes)))
        return name.bytes
    }()

    public enum State: Equatable, Sendable {
        case absent
        /// It is there and was never incremented: it cannot be read.
        case unwritten
        case value(UInt64)
    }

    private let tpm: TPMConnection

    public init(_ tpm: TPMConnection) { self.tpm = tpm }

    /// - Throws: `SealError.notACounter` for something else at this index, `TPMError`.
    public func state() throws -> State {
        guard var found = try tpm.readNVPublic(Self.index) else { return .absent }
        let isWritten = found.attributes & NVPublic.written != 0
        found.attributes &= ~NVPublic.written
        guard found == Self.space else { throw SealError.notACounter(index: Self.index) }
        return isWritten ? .value(try read()) : .unwritten
    }

    private func read() throws(TPMError) -> UInt64 {
        var reader = TPMReader(try tpm.readNV(Self.index, 8), of: .readNV)
        return try reader.integer()
    }

    /// Makes it, where there is none, and its first increment. Its first value is one more than the highest that any counter of this TPM
    /// has ever had.
    /// - Returns: whether it was made or first incremented, and its value.
    public func create() throws -> (isNew: Bool, value: UInt64) {
        switch try state() {
        case .value(let value): return (false, value)
        case .absent: try tpm.defineNV(Self.space)
        case .unwritten: break
        }
        try tpm.incrementNV(Self.index)
        return (true, try read())
    }

    /// Increments until it has `wanted` at least.
    /// - Parameter progress: called with the value behind each increment.
    /// - Returns: its value then.
    /// - Throws: `SealError.noCounter`; `tooFar` for more than 1,000 increments, of which none is made; `TPMError`.
    public func raise(to wanted: UInt64, progress: (UInt64) -> Void = { _ in }) throws -> UInt64 {
        guard case .value(var value) = try state() else { throw SealError.noCounter(index: Self.index) }
        guard value >= wanted || wanted - value <= Self.mostIncrements else {
            throw SealError.tooFar(value: value, wanted: wanted)
        }
        while value < wanted {
            try tpm.incrementNV(Self.index)
            value += 1
            progress(value)
        }
        // Another program may have counted as well.
        return try read()
    }
}
