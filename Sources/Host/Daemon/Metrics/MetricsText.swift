/// Text in Prometheus' exposition format, version 0.0.4: families of samples, each with what it means.
struct MetricsText {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    enum Kind: String {
        case counter, gauge, histogram
    }

    private(set) var text = ""
    private var name = ""

    /// Begins a family; its samples follow. One without samples does not appear.
    mutating func family(_ name: String, _ kind: Kind, _ help: String, _ samples: (inout MetricsText) -> Void) {
        var family = MetricsText()
        family.name = name
        samples(&family)
        guard !family.text.isEmpty else { return }
        text += "# HELP \(name) \(Self.escaped(help, quotes: false))\n# TYPE \(name) \(kind.rawValue)\n" + family.text
    }

    /// A sample of the family.
    /// - Parameter suffix: of its name: `_bucket`, `_sum` and `_count` of a histogram.
    mutating func sample(_ value: some Numeric, _ labels: KeyValuePairs<String, String> = [:], suffix: String = "") {
        text += name + suffix
        if !labels.isEmpty {
            text += "{" + labels.map { "\($0)=\"\(Self.escaped($1, quotes: true))\"" }.joined(separator: ",") + "}"
        }
        text += " \(value)\n"
    }

    /// What a machine or a client named stays within its line and its quotes.
    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
