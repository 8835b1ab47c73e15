import TPM

/// The digest by which firmware measures and signs a program: Authenticode's (Windows Authenticode Portable Executable Signature
/// Format 1.0), of a file without gaps between its sections, such as BULKHEAD.EFI. Checksum, the entry for certificates and the certificates are left out.
public enum ProgramDigest {
    /// - Throws: `EvidenceError` for what is no PE32+ file with certificates, if any, at its end.
    public static func digest(of program: [UInt8], _ bank: PCRBank) throws(EvidenceError) -> [UInt8] {
        func number(_ offset: Int) throws(EvidenceError) -> Int {
            guard offset >= 0, offset + 4 <= program.count else {
                throw EvidenceError(.program, at: offset, "it ends too early")
            }
            return (0..<4).reduce(0) { $0 | Int(program[offset + $1]) << (8 * $1) }
        }
        let head = try number(0x3C)
        guard try number(head) == 0x4550, try number(head + 24) & 0xFFFF == 0x20B else {
            throw EvidenceError(.program, at: head, "it is no PE32+ file")
        }
        let checksum = head + 24 + 64, entry = head + 24 + 144, size = try number(entry + 4), end = program.count - size
        let start = size == 0 ? end : try number(entry)
        guard end >= entry + 8, start == end else {
            throw EvidenceError(.program, at: entry, "its certificates are not at its end")
        }
        return bank.digest(
            Array(program[..<checksum] + program[(checksum + 4)..<entry] + program[(entry + 8)..<end]))
    }
}
