/// Why bytes are not the deterministic CBOR (RFC 8949, section 4.2.1) that was expected, or could not be written.
///
/// The raw values are stable: they travel in reports.
public enum CBORError: UInt8, Error, Sendable {
    /// An item, or the length that its head announces, runs past the last byte.
    case truncated = 1
    /// A string, array or map of indefinite length, or the break that ends one (section 3.2.1).
    case indefiniteLength = 2
    /// A number in more bytes than it needs (section 4.2.1).
    case notShortest = 3
    /// A head that RFC 8949 does not define: additional information 28 to 30, or a two-byte simple value below 32.
    case malformedHead = 4
    /// A floating-point number: none of our formats has one.
    case float = 5
    /// A tag (major type 6): none of our formats has one.
    case tag = 6
    /// A simple value other than false, true and null.
    case simpleValue = 7
    /// Another kind of item than the format has at this place.
    case wrongType = 8
    /// A number that the field's type or bound does not hold.
    case outOfRange = 9
    /// A string, array or map longer than the format allows.
    case tooLong = 10
    /// Text with a byte that is not printable ASCII (20h to 7Eh): our formats have no other text.
    case invalidText = 11
    /// A map key below the one before it.
    case unsortedKeys = 12
    /// A map key that was there before.
    case duplicateKey = 13
    /// Containers nested more than eight deep, the outermost being level 1.
    case tooDeep = 14
    /// Bytes after the one item that should be there.
    case trailingBytes = 15
    /// Writing only: the caller's buffer is full.
    case bufferFull = 16
}
