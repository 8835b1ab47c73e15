import ManifestRules

/// A record for people.
public enum AuditReport {
    /// On one line. What a machine or a client has named was escaped in the log, and is here.
    public static func text(_ line: AuditLine) -> String {
        let record = line.record
        var words = ["\(line.number)", shown(line.time)]
        if let client = record.client { words.append("client \(client)") }
        if let uid = record.uid { words.append("uid \(uid)") }
        if let pid = record.pid { words.append("pid \(pid)") }
        // The beginning of its digest tells it from others of the name.
        if let certificate = record.certificate {
            let parts = certificate.split(separator: " "), digest = parts.dropFirst().joined().prefix(16)
            words.append("certificate \(shown(String(parts.first ?? ""))) (\(shown(String(digest))))")
        }
        switch record.kind {
        case .call: words.append("begins")
        case .answer: break
        default: words.append(record.kind.rawValue)
        }
        if let call = record.call { words.append(shown(call)) }
        if let domain = record.domain { words.append("\"\(shown(domain))\"") }
        if let partition = record.partition { words.append("in \(shown(partition))") }
        if let result = record.result { words.append("-> \(shown(result))") }
        if let detail = record.detail { words.append("(\(shown(detail)))") }
        return words.joined(separator: " ")
    }

    /// Without what ends its quotes, or moves a terminal.
    private static func shown(_ text: String) -> String { printable(text).replacing("\"", with: "\\\"") }
}
