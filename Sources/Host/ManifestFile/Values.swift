import Manifest
import ManifestRules

/// A value that is not what it should be: why, and what may help.
package struct ValueError: Error {
    package var reason: String
    package var hint: String?

    package init(reason: String, hint: String? = nil) {
        self.reason = reason
        self.hint = hint
    }
}

/// A text from the file as it is shown in a message: short, and without control characters.
package func quoted(_ text: String) -> String {
    let shown = printable(String(String.UnicodeScalarView(text.unicodeScalars.prefix(60))))
    return "\"" + shown + (text.unicodeScalars.count > 60 ? "..." : "") + "\""
}

/// A whole decimal number, no sign.
package func parseNumber(_ text: String) -> UInt64? {
    guard !text.isEmpty, text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
    return UInt64(text)
}

/// `16M`, `512MiB`, `1G`: a whole number and a binary unit, as bytes.
package func parseSize(_ text: String) throws(ValueError) -> UInt64 {
    let digits = String(text.prefix { $0.isASCII && $0.isNumber })
    let unit = text.dropFirst(digits.count).drop { $0 == " " }.lowercased()
    let example = "write a whole number and a unit: 512M, 1G"
    guard let number = parseNumber(digits) else {
        throw ValueError(reason: "\(quoted(text)) is not a size", hint: example)
    }
    let shift: UInt64
    switch unit {
    case "b": shift = 0
    case "k", "kib": shift = 10
    case "m", "mib": shift = 20
    case "g", "gib": shift = 30
    case "t", "tib": shift = 40
    case "": throw ValueError(reason: "the size \(quoted(text)) has no unit", hint: "did you mean \(digits)M?")
    case "kb", "mb", "gb", "tb":
        let letter = unit.prefix(1).uppercased()
        throw ValueError(
            reason: "the unit of \(quoted(text)) may mean powers of ten or of two",
            hint: "did you mean \(digits)\(letter), in powers of two?")
    default: throw ValueError(reason: "\(quoted(text)) is not a size", hint: example)
    }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
    guard !overflow else { throw ValueError(reason: "\(quoted(text)) is larger than any memory", hint: nil) }
    return bytes
}

/// An address: hexadecimal with `0x`, or a size such as `1G`.
func parseAddress(_ text: String) throws(ValueError) -> UInt64 {
    let lower = text.lowercased()
    let digits = lower.dropFirst(2).filter { $0 != "_" }
    if lower.hasPrefix("0x"), digits.first?.isHexDigit == true, let address = UInt64(digits, radix: 16) {
        return address
    }
    if parseNumber(text) == nil, let address = try? parseSize(text) { return address }
    throw ValueError(reason: "\(quoted(text)) is not an address", hint: "write 0x40000000 or 1G")
}

/// One core number, 0 to 63.
func parseCore(_ text: String) throws(ValueError) -> Int {
    guard let core = parseNumber(text) else {
        throw ValueError(reason: "\(quoted(text)) is not a core number", hint: "write 2, [1, 2] or 1-2")
    }
    guard core < UInt64(Manifest.maxCores) else {
        throw ValueError(reason: "there is no core \(core)", hint: "cores are numbered 0 to \(Manifest.maxCores - 1)")
    }
    return Int(core)
}

/// `2`, `1-2` or `0,2-5`.
package func parseCores(_ text: String) throws(ValueError) -> CoreSet {
    var set = CoreSet()
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
        let ends = part.split(separator: "-", omittingEmptySubsequences: false).map {
            String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
        let first = try parseCore(ends[0])
        let last = ends.count > 1 ? try parseCore(ends[1]) : first
        guard ends.count <= 2, first <= last else {
            throw ValueError(reason: "\(quoted(text)) is not a range of cores", hint: "write the lower core first: 1-2")
        }
        for core in first...last {
            guard !set.contains(CoreSet(core: core)) else {
                throw ValueError(reason: "core \(core) is named twice", hint: nil)
            }
            set.insert(CoreSet(core: core))
        }
    }
    return set
}

/// One of a few words.
func parseWord<T>(_ text: String, _ names: [(name: String, value: T)], _ what: String) throws(ValueError) -> T {
    if let found = names.first(where: { $0.name == text }) { return found.value }
    throw ValueError(
        reason: "\(quoted(text)) is not \(what)", hint: wordHint(text, names.map(\.name)))
}

private func wordHint(_ text: String, _ known: [String]) -> String {
    if let suggestion = suggestion(for: text, among: known) { return "did you mean \(suggestion)?" }
    return "write " + known.joined(separator: " or ")
}

/// `true` or `false`.
func parseFlag(_ text: String) throws(ValueError) -> Bool {
    switch text {
    case "true": return true
    case "false": return false
    default:
        let meant = ["yes", "on", "y", "1", "True", "TRUE", "Yes", "On"].contains(text)
        let denied = ["no", "off", "n", "0", "False", "FALSE", "No", "Off"].contains(text)
        let help = meant ? "did you mean true?" : denied ? "did you mean false?" : "write true or false"
        throw ValueError(reason: "\(quoted(text)) is neither true nor false", hint: help)
    }
}
