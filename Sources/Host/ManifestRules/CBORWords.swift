import CBOR

/// What is wrong with bytes that are not the CBOR that was expected; root mode gives the number alone.
enum CBORWords {
    /// - Parameter code: a `CBORError`'s raw value.
    static func words(_ code: UInt64) -> String {
        switch UInt8(exactly: code).flatMap(CBORError.init) {
        case .truncated: "it ends before it is complete"
        case .indefiniteLength: "a length is left open"
        case .notShortest: "a number is longer than it needs to be"
        case .malformedHead: "no such item exists"
        case .float: "a floating-point number is not allowed"
        case .tag: "a tag is not allowed"
        case .simpleValue: "an unknown simple value"
        case .wrongType: "an item of another kind is expected"
        case .outOfRange: "a number is too large"
        case .tooLong: "a text or list is too long"
        case .invalidText: "a text has a character that is not printable ASCII"
        case .unsortedKeys: "keys are out of order"
        case .duplicateKey: "a key occurs twice"
        case .tooDeep: "items are nested too deeply"
        case .trailingBytes: "bytes follow its end"
        case .bufferFull, nil: "it cannot be read"
        }
    }
}
