import Foundation

/// Which of a disk's two places for a system.
public enum Slot: String, CaseIterable, Codable, Sendable {
    case a, b
    public var other: Slot { self == .a ? .b : .a }
}

/// What makes a slot one that the boot manager may choose: a file `loader/entries/bulkhead-a-v7+2-1.conf` on the slot's own
/// volume (Boot Loader Specification, type 1). Behind the plus are the tries that are left, then those that are done; the boot
/// manager counts before it starts the slot. Without them nothing is counted. No two entries of a slot have the same name, so
/// that none is ever written over.
public struct LoaderEntry: Equatable, Sendable {
    public var slot: Slot
    /// Rises with each update: of two good slots the higher one is started.
    public var version: Int
    /// nil: healthy, or never to be counted.
    public var triesLeft: Int?
    public var triesDone: Int
    /// Not counted, although nobody has said that it runs: `update` keeps the other slot. `-unseen` in the name.
    public var isUnseen: Bool
    /// Somebody has said that it runs.
    public var isConfirmed: Bool { triesLeft == nil && !isUnseen }

    public init(_ slot: Slot, version: Int, tries: Int?, isUnseen: Bool = false) {
        self.slot = slot
        self.version = version
        self.isUnseen = isUnseen
        triesLeft = tries
        triesDone = 0
    }

    public static let folder = "loader/entries"
    public static let mostTries = 99
    /// Years of updates each second.
    public static let lastVersion = Int(Int32.max)
    public static let program = "EFI/BULKHEAD/BULKHEAD.EFI"

    public var fileName: String {
        let count = triesLeft.map { "+\($0)" + (triesDone > 0 ? "-\(triesDone)" : "") } ?? ""
        return "bulkhead-\(slot.rawValue)-v\(version)\(isUnseen ? "-unseen" : "")\(count).conf"
    }

    public var content: String {
        """
        title Bulkhead (slot \(slot.rawValue), version \(version))
        sort-key bulkhead
        version \(version)
        efi /\(Self.program)

        """
    }

    private static var name: Regex<(Substring, Substring, Substring?, Substring?, Substring?, Substring?)> {
        /bulkhead-([ab])(?:-v([0-9]+))?(-unseen)?(?:\+([0-9]+)(?:-([0-9]+))?)?\.conf/
    }

    static func isName(_ name: String) -> Bool { name.lowercased().wholeMatch(of: Self.name) != nil }

    /// nil for a file that is no entry of ours, or damaged.
    public init?(fileName: String, content: String) {
        guard let match = fileName.lowercased().wholeMatch(of: Self.name), let slot = Slot(rawValue: String(match.1))
        else { return nil }
        // A number that is too large for a count is none of ours, and must not be taken for a slot without a count.
        let counts = [match.4, match.5].map { $0.map { Int($0) ?? .max } }
        guard counts.allSatisfy({ $0 ?? 0 <= Self.mostTries }) else { return nil }
        let lines = content.split(separator: "\n").map { $0.split(separator: " ", maxSplits: 1).map(String.init) }
        func value(_ key: String) -> String? { lines.first { $0.count == 2 && $0[0] == key }?[1] }
        guard let version = value("version").flatMap({ Int($0) }), 0...Self.lastVersion ~= version,
            value("efi") == "/" + Self.program, match.2.map({ Int($0) == version }) ?? true
        else { return nil }
        self.slot = slot
        self.version = version
        triesLeft = counts[0]
        triesDone = counts[1] ?? 0
        isUnseen = match.3 != nil
    }

    /// The one that the boot manager starts: the highest version that has tries left, else the highest at all.
    public static func chosen(_ entries: [LoaderEntry]) -> LoaderEntry? {
        entries.min { one, other in
            let (oneIsSpent, otherIsSpent) = (one.triesLeft == 0, other.triesLeft == 0)
            return oneIsSpent != otherIsSpent ? otherIsSpent : one.version > other.version
        }
    }
}
