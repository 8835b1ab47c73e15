import Foundation

/// An audit log: lines of JSON, each with the digest of the one before, so that none can be changed, taken out or moved without a
/// trace. A file beside it has the last record that was synced to the disk: what is cut off at the end is missed, too. What
/// else is beyond that is `AuditHead`'s, kept elsewhere.
///
/// Whoever may write these files can write a whole new chain: only a head that he cannot reach tells.
public final class AuditLog {
    private let path: String
    private let limit: Int
    private let files: Int
    private var file: AuditFile
    private let headFile: AuditFile
    /// Of the last record.
    public private(set) var head: AuditHead

    /// - Parameters:
    ///   - path: of the newest file; older ones end in `.1`, `.2` and so on.
    ///   - limit: bytes of a file, above which a new one begins.
    ///   - files: that are kept; the oldest goes when there are more.
    /// - Throws: `AuditError`, also where records are missing: nothing is appended to a log that is not whole.
    public init(path: String, limit: Int = 64 << 20, files: Int = AuditLog.files) throws {
        (self.path, self.limit, self.files) = (path, limit, files)
        file = try AuditFile(path)
        headFile = try AuditFile(path + Self.headSuffix)
        let torn = try Self.repair(file)
        head = try Self.last(of: file, olderPath: path + ".1")
        let written = try Self.readHead(headFile)
        guard written.number < head.number || written == head else {
            throw AuditError.lost(path: path, last: head.number, written: written.number)
        }
        if torn > 0 {
            var record = AuditRecord(.repaired)
            record.detail = "\(torn) bytes"
            try append(record, synced: true)
        }
    }

    /// That a log has at most, of 64 MiB each.
    public static let files = 16
    static let headSuffix = ".head"
    /// Bytes of the longest line.
    static let maxLine = 16 << 10

    /// Takes away what a loss of power has left of a line; returns its bytes.
    private static func repair(_ file: AuditFile) throws(AuditError) -> Int {
        let tail = try file.tail(maxLine), whole = tail.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        let torn = tail.count - whole
        guard torn > 0 else { return 0 }
        guard whole > 0 || tail.count == file.size else { throw .damaged(path: file.path) }
        try file.cut(to: file.size - torn)
        return torn
    }

    private static func last(of file: AuditFile, olderPath: String) throws(AuditError) -> AuditHead {
        var tail = try file.tail(maxLine), path = file.path
        // A new one was begun, and nothing has come into it.
        if tail.isEmpty, unsafe access(olderPath, F_OK) == 0 {
            tail = try AuditFile(olderPath).tail(maxLine)
            path = olderPath
        }
        if tail.isEmpty { return .none }
        let line = Array(tail.dropLast().split(separator: 0x0A).last ?? [])
        guard tail.last == 0x0A, let last = AuditLine(line) else { throw .damaged(path: path) }
        return AuditHead(number: last.number, digest: AuditText.digest(line.span))
    }

    static func readHead(_ file: AuditFile) throws(AuditError) -> AuditHead {
        let bytes = try file.tail(256)
        if bytes.isEmpty { return .none }
        let text = String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self).drop { $0 == " " }
        guard let head = AuditHead(text) else { throw .damaged(path: file.path) }
        return head
    }

    /// Appends a record.
    /// - Parameter synced: it is on the disk when this returns, and survives a loss of power; any survives a kill.
    public func append(_ record: AuditRecord, synced: Bool) throws(AuditError) {
        if file.size >= limit { try rotate() }
        let line = AuditText(record, number: head.number + 1, after: head.digest, time: Date()).bytes
        try file.append(line + [0x0A])
        head = AuditHead(number: head.number + 1, digest: AuditText.digest(line.span))
        if synced { try synchronize() }
    }

    /// Of the log first: a head is never ahead of it.
    public func synchronize() throws(AuditError) {
        try file.synchronize()
        let digits = "\(head.number)"
        // Of one length: a shorter one would leave an end of the one before.
        let text = String(repeating: " ", count: 20 - digits.count) + "\(head)\n"
        try headFile.write(Array(text.utf8), at: 0)
        try headFile.synchronize()
    }

    /// Begins a new file. Nothing has another name before that can be written.
    private func rotate() throws(AuditError) {
        try synchronize()
        let new = try AuditFile(path + ".new")
        try new.cut(to: 0)
        for number in stride(from: files - 1, through: 1, by: -1) {
            let from = number == 1 ? path : "\(path).\(number - 1)"
            guard unsafe rename(from, "\(path).\(number)") == 0 || errno == ENOENT else {
                throw .system(path: from, number: errno)
            }
        }
        try new.rename(to: path)
        file = new
    }
}
