import Foundation

/// What `bulkhead status` prints.
public struct SlotReport: Codable, Sendable {
    public struct Line: Codable, Sendable {
        public var slot: String
        public var version: Int?
        public var triesLeft: Int?
        public var triesDone: Int?
        public var whole: Bool?
        public var next: Bool
    }
    public var slots: [Line]

    public init(_ states: [SlotDisk.State]) {
        slots = states.map {
            Line(
                slot: $0.slot.rawValue, version: $0.entry?.version, triesLeft: $0.entry?.triesLeft,
                triesDone: $0.entry.flatMap { $0.triesLeft == nil ? nil : $0.triesDone }, whole: $0.isWhole,
                next: $0.isNext)
        }
    }

    public var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.keyEncodingStrategy = .convertToSnakeCase
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            return String(decoding: try encoder.encode(self), as: UTF8.self)
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
            }
        } else if state.isWhole != nil {
            words.append("not started")
        }
        if state.isNext { words.append("started next") }
        return "slot \(state.slot.rawValue): " + words.joined(separator: ", ")
    }
}
