import Foundation
import ManifestRules

/// The lines of starts that were refused, as `\BULKHEAD\boot.log` keeps them: what `log` prints of each such file.
public struct BootLogReport: Encodable {
    struct Start: Encodable {
        var lines: [String]
        /// The refusal's number, where it has one, and what to change.
        var number: UInt8?
        var advice: String?

        init(_ lines: [String]) {
            self.lines = lines
            let refusal = lines.last { $0.contains(" refused: ") }.flatMap { RefusalExplanation($0) }
            number = refusal?.reason.number
            advice = refusal?.reason.advice
        }
    }

    var slot: String?
    var file: String
    var starts: [Start]
    public var isEmpty: Bool { starts.isEmpty }

    /// Each start begins with the hypervisor's version.
    private static let first = "bulkhead: version "

    /// - Parameters:
    ///   - slot: its letter.
    ///   - file: what it is called.
    ///   - last: how many starts are wanted; nil: all.
    public init(slot: String?, file: String, _ content: Data, last: Int? = nil) {
        (self.slot, self.file) = (slot, file)
        // A page that was full ends within a line, and the next start goes on there.
        let text = String(decoding: content, as: UTF8.self).replacing(Self.first, with: "\n" + Self.first)
        var groups: [[String]] = []
        for line in text.split(whereSeparator: \.isNewline) {
            if groups.isEmpty || line.hasPrefix(Self.first) { groups.append([]) }
            groups[groups.count - 1].append(String(line))
        }
        starts = groups.suffix(last ?? .max).map(Start.init)
    }

    /// For people.
    public var text: String {
        let place = printable(file) + (slot.map { ", slot \(printable($0))" } ?? "")
        let head = "\(place): \(starts.count) refused start\(starts.count == 1 ? "" : "s")"
        let blocks = starts.map { start in
            let advice = start.advice.map { ["    what to change: \($0)"] } ?? []
            return (start.lines.map { "  " + printable($0) } + advice).joined(separator: "\n")
        }
        return ([head] + blocks).joined(separator: "\n\n")
    }
}
