import Keys
import SignedImages
import TPM

/// In what a log's events of one PCR differ from those that a volume gives, in words.
enum MeasurementDifference {
    /// - Parameter volume: how the volume is called.
    static func words(
        _ expected: [ExpectedMeasurements.Event], _ log: [MeasuredEvent], _ bank: PCRBank, volume: String
    ) -> [String] {
        let wanted = expected.map { bank == .sha256 ? $0.sha256 : $0.sha384 }
        let found = log.map { $0.digests[bank].map { SecretFile.hexadecimal($0) } ?? "none" }
        var words: [String] = [], i = 0, j = 0
        for (x, y) in common(wanted, found) + [(wanted.count, found.count)] {
            var missing = Array(i..<x)
            for k in j..<y {
                // The same object with another content; else the next of its kind; else it is one too many.
                let other =
                    missing.first { expected[$0].object == log[k].object && expected[$0].name == log[k].name }
                    ?? missing.first { expected[$0].object == log[k].object }
                guard let other else {
                    words.append(
                        "the log has an event that \(volume) does not: \(title(log[k].object, log[k].name)), \(short(found[k]))"
                    )
                    continue
                }
                missing.removeAll { $0 == other }
                let event = expected[other], what = title(event.object, event.name)
                words.append(
                    "the \(what) measured is not the one in \(volume): expected \(short(wanted[other])), log has "
                        + short(found[k]))
            }
            for k in missing { words.append("an event is missing: \(title(expected[k].object, expected[k].name))") }
            (i, j) = (x + 1, y + 1)
        }
        return words
    }

    private static func title(_ object: String, _ name: String) -> String {
        switch object {
        // Where the name says no more, or all.
        case "manifest": object
        case "owner-key": "owner's key"
        case "no-owner-key", "refused", "closed": name
        default: name.isEmpty ? object : "\(object) \(name)"
        }
    }

    /// Enough digits to tell them apart by eye.
    private static func short(_ digest: String) -> String { digest.prefix(16) + (digest.count > 16 ? "…" : "") }

    /// Where a longest common subsequence has its members.
    private static func common(_ a: [String], _ b: [String]) -> [(Int, Int)] {
        var length = [[Int]](repeating: [Int](repeating: 0, count: b.count + 1), count: a.count + 1)
        for i in a.indices.reversed() {
            for j in b.indices.reversed() {
                length[i][j] = a[i] == b[j] ? length[i + 1][j + 1] + 1 : max(length[i + 1][j], length[i][j + 1])
            }
        }
        var pairs: [(Int, Int)] = [], i = 0, j = 0
        while i < a.count, j < b.count {
            if a[i] == b[j] {
                pairs.append((i, j))
                (i, j) = (i + 1, j + 1)
            } else if length[i + 1][j] >= length[i][j + 1] {
                i += 1
            } else {
                j += 1
            }
        }
        return pairs
    }
}
