import Foundation

/// The last record of a log that is on the disk, in a file of its own. Two places are written by turns, so that one that is torn
/// leaves the other; the higher one counts.
final class AuditHeadFile {
    private let file: AuditFile
    private(set) var head: AuditHead
    private var isSecond = false
    /// Since it was opened.
    private var writes = 0

    static let suffix = ".head"
    private static let second = 4096

    /// - Parameter log: the log's path.
    init(_ log: String) throws(AuditError) {
        file = try AuditFile(log + Self.suffix)
        let bytes = try file.read()
        guard let head = Self.parse(bytes) else { throw .damagedHead(path: log + Self.suffix) }
        self.head = head
        // The one that counts is not written over.
        isSecond = head.number > 0 && Self.parse(Array(bytes.prefix(Self.second))) == head
    }

    /// Of a file's bytes: nothing for none; nil: they are no head.
    static func parse(_ bytes: [UInt8]) -> AuditHead? {
        if bytes.isEmpty { return AuditHead.none }
        let found = [bytes[...], bytes.dropFirst(second)].compactMap { place in
            AuditHead(String(decoding: place.prefix { $0 != 0x0A }, as: UTF8.self).drop { $0 == " " })
        }
        return found.max { $0.number < $1.number }
    }

    func write(_ new: AuditHead) throws(AuditError) {
        let digits = "\(new.number)"
        // Of one length: a shorter one would leave an end of the one before.
        let text = String(repeating: " ", count: 20 - digits.count) + "\(new)\n"
        try file.write(Array(text.utf8), at: isSecond ? Self.second : 0)
        (head, isSecond) = (new, !isSecond)
        writes += 1
        // Until both places have blocks of their own on the disk, a loss of power may leave the file empty.
        if writes <= 2 { try synchronize() }
    }

    /// Otherwise it is as late as the system writes by itself, and never ahead of the log.
    func synchronize() throws(AuditError) { try file.synchronize() }
}
