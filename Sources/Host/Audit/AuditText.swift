import Foundation
import Trust

/// A line of JSON, written field by field: there is one for each call of a client.
struct AuditText {
    private(set) var bytes: [UInt8] = Array("{".utf8)
    /// Bytes of the longest text in a field: names of domains have 1024 at most.
    static let maxText = 1024

    init(_ record: AuditRecord, number: UInt64, after previous: String, time: Date) {
        field("n", "\(number)")
        field("time", text: time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
        field("prev", text: previous)
        field("kind", text: record.kind.rawValue)
        if let client = record.client { field("client", "\(client)") }
        if let uid = record.uid { field("uid", "\(uid)") }
        if let pid = record.pid { field("pid", "\(pid)") }
        if let certificate = record.certificate { field("certificate", text: certificate) }
        for (name, value) in [
            ("call", record.call), ("domain", record.domain), ("partition", record.partition),
            ("result", record.result), ("detail", record.detail),
        ] {
            if let value { field(name, text: value) }
        }
        bytes.append(0x7D)
    }

    private mutating func field(_ name: String, _ value: String) {
        if bytes.count > 1 { bytes.append(0x2C) }
        bytes += "\"\(name)\":\(value)".utf8
    }

    private mutating func field(_ name: String, text: String) {
        field(name, "\"")
        for scalar in text.unicodeScalars {
            guard bytes.count < Self.maxText * 4 else { break }
            switch scalar {
            case "\"": bytes += "\\\"".utf8
            case "\\": bytes += "\\\\".utf8
            // Line ends of other scripts too: whoever reads lines sees one.
            case "\0"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}":
                bytes += String(format: "\\u%04x", scalar.value).utf8
            default: bytes += UTF8.encode(scalar).map { Array($0) } ?? []
            }
        }
        bytes.append(0x22)
    }

    /// Of a line, in hexadecimal digits.
    static func digest(_ line: borrowing Span<UInt8>) -> String {
        var hash = SHA256()
        hash.put(line)
        let words = hash.finish()
        var digits: [UInt8] = []
        digits.reserveCapacity(64)
        for i in 0..<8 {
            for shift in stride(from: 28, through: 0, by: -4) {
                let digit = UInt8(words[i] >> UInt32(shift) & 15)
                digits.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
            }
        }
        return String(decoding: digits, as: UTF8.self)
    }
}

extension AuditHead {
    /// SHA-256 in hexadecimal digits, as in a head: of a file whose content a record names.
    public static func digest(of bytes: [UInt8]) -> String { AuditText.digest(bytes.span) }
}
