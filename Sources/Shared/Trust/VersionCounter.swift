/// The counter of a machine's TPM that forbids old manifests (TPM 2.0 Library, part 1, section 37.2.4). It only rises, also
/// where it is removed and defined anew.
public enum VersionCounter {
    /// Its NV index, of the owner's range (TCG Registry of Reserved TPM 2.0 Handles and Localities, section 2.2).
    public static let index: UInt32 = 0x0180_4C4B
    /// TPM2_NV_ReadPublic (part 3, section 31.6).
    public static var readPublic: [14 of UInt8] { TPMCommandList.command(0x69, index) }
    /// TPM2_NV_Read of its eight bytes (part 3, section 31.13), by its own, empty authorization.
    public static let read: [35 of UInt8] = [
        0x80, 2, 0, 0, 0, 35, 0, 0, 1, 0x4E, 1, 0x80, 0x4C, 0x4B, 1, 0x80, 0x4C, 0x4B, 0, 0, 0, 9, 0x40, 0, 0, 9,
        0, 0, 0, 0, 0, 0, 8, 0, 0,
    ]

    /// - Parameters: the responses to the two, each of at least 28 bytes.
    /// - Returns: what it has; 0 where there is none (TPM_RC_HANDLE, part 2, section 6.6.2). What is no such counter, or cannot be read,
    ///   admits nothing: another index in its place would say what its maker likes.
    public static func value(readPublic: UnsafeRawBufferPointer, read: UnsafeRawBufferPointer) -> UInt64 {
        func word(_ bytes: UnsafeRawBufferPointer, _ at: Int) -> UInt32 {
            unsafe bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self).byteSwapped
        }
        if unsafe word(readPublic, 6) == 0x18B { return 0 }
        // Attributes: a counter, written, that its empty password reads and raises; and its size, behind an empty policy.
        guard unsafe word(readPublic, 6) == 0 && word(readPublic, 12) == index && word(readPublic, 18) == 0x2206_0016,
            unsafe word(readPublic, 22) == 8 && word(read, 6) == 0
        else { return .max }
        return unsafe read.loadUnaligned(fromByteOffset: 16, as: UInt64.self).byteSwapped
    }
}
