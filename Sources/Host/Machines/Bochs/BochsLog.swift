/// What Bochs says of itself.
enum BochsLog {
    /// Whether a line of its log is an error or a panic: `TIMEe[UNIT] text`, `TIMEp[UNIT] text`.
    static func isComplaint(_ line: some StringProtocol) -> Bool {
        let rest = line.drop { $0.isNumber }
        guard rest.startIndex != line.startIndex, let level = rest.first else { return false }
        return (level == "e" || level == "p") && rest.dropFirst().first == "["
    }

    /// The message between two rules with which it ends after a panic; nil when there is none.
    static func exitMessage(_ errors: String) -> String? {
        let lines = errors.split(separator: "\n")
        guard let start = lines.firstIndex(of: "Bochs is exiting with the following message:") else { return nil }
        let message = lines[(start + 1)...].prefix { !$0.hasPrefix("====") }
        return message.isEmpty ? nil : message.joined(separator: "\n")
    }
}
