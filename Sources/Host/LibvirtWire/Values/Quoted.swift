extension StringProtocol {
    /// The text in quotes, as messages show what a client sent: of a long one its first 128 bytes.
    public var quoted: String {
        let text = String(self), shown = text.prefix(bytes: 128)
        return shown.utf8.count < text.utf8.count ? "'\(shown)...'" : "'\(shown)'"
    }
}

extension String {
    /// As many whole scalars as have so many bytes; a character may have any number of them.
    func prefix(bytes: Int) -> Substring {
        guard utf8.count > bytes else { return self[...] }
        var end = utf8.index(startIndex, offsetBy: bytes)
        while end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
        return self[..<end]
    }
}
