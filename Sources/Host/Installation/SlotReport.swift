import Foundation
import ManifestRules

/// What `bulkhead status` prints.
public struct SlotReport: Codable, Sendable {
    public struct Line: Codable, Sendable {
        public var slot: String
        public var version: Int?
        public var triesLeft: Int?
        public var triesDone: Int?
        /// Whether somebody has said that it runs.
        public var confirmed: Bool
        public var whole: Bool?
        public var next: Bool
    }
    public var slots: [Line]
    /// nil where it is not known what it was.
    public var bootManagerWhole: Bool?

    public init(_ states: [SlotDisk.State], hasBootManager: Bool?) {
        bootManagerWhole = hasBootManager
        slots = states.map {
            Line(
                slot: $0.slot.rawValue, version: $0.entry?.version, triesLeft: $0.entry?.triesLeft,
                triesDone: $0.entry.flatMap { $0.triesLeft == nil ? nil : $0.triesDone },
                confirmed: $0.entry?.isConfirmed == true, whole: $0.isWhole,
                next: $0.isNext)
        }
    }

    public var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.keyEncodingStrategy = .convertToSnakeCase
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            return printableJSON(String(decoding: try encoder.encode(self), as: UTF8.self))
        }
    }

    public static func line(bootManager: Bool?) -> String {
        switch bootManager {
        case true: "boot manager: whole"
        case false: "boot manager: damaged, so that nothing starts from this disk; `bulkhead update` writes it anew"
        default: "boot manager: there; this disk does not say what it was when it was written"
        }
    }

    public static func line(_ state: SlotDisk.State) -> String {
        var words: [String] = []
        switch state.isWhole {
        case .none: words.append("empty")
        case .some(true): words.append("whole")
        case .some(false): words.append("damaged: files are missing or have changed")
        }
        if let entry = state.entry {
            words.append("version \(entry.version)")
            if let left = entry.triesLeft {
                words.append(
                    left == 0 ? "no starts left" : "\(left) start\(left == 1 ? "" : "s") left until it is confirmed")
            } else if entry.isUnseen {
                words.append("not counted, never confirmed")
            }
        } else if state.isWhole != nil {
            words.append("not started")
        }
        if state.isNext { words.append("started next") }
        return "slot \(state.slot.rawValue): " + words.joined(separator: ", ")
    }
}
