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
    private let headFile: AuditHeadFile
    /// Of the last record, and of the last one that is known to be on the disk.
    public private(set) var head: AuditHead
    private var synced: AuditHead
    /// How often the disk was waited for.
    public private(set) var synchronizations = 0
    /// Bytes that were cut off, and of which no record says so yet.
    private var cut = 0
    /// The disk has not taken what was written: the kernel says so once, and what is there then nobody knows.
    private var isBroken = false

    /// - Parameters:
    ///   - path: of the newest file; older ones end in `.1`, `.2` and so on.
    ///   - limit: bytes of a file, above which a new one begins.
    ///   - files: that are kept; the oldest goes when there are more.
    /// - Throws: `AuditError`, also where records are missing: nothing is appended to a log that is not whole. What a loss of power
    ///   has left behind the last synced record is cut off, which a record says.
    public init(path: String, limit: Int = 64 << 20, files: Int = AuditLog.files) throws(AuditError) {
        (self.path, self.limit, self.files) = (path, limit, files)
        file = try AuditFile(path)
        headFile = try AuditHeadFile(path)
        (head, synced) = (headFile.head, headFile.head)
        cut = try follow()
        // Where the disk is full it is said before what comes next.
        try? sayCut()
    }

    private func sayCut() throws(AuditError) {
        guard cut > 0 else { return }
        var record = AuditRecord(.repaired)
        record.detail = "\(cut) bytes"
        let before = cut
        cut = 0
        do throws(AuditError) { try append(record, synced: true) } catch {
            cut = before
            throw error
        }
    }

    /// That a log has at most.
    public static let files = 16

    /// Goes from the last synced record to the last that follows from it, and cuts off what is behind; returns the bytes of that.
    private func follow() throws(AuditError) -> Int {
        let bytes = try file.read()
        var at = 0
        if head.number > 0, let end = AuditFile.end(of: head, in: bytes) {
            at = end
        } else if head.number > 0 {
            // It may be in the file before: a new one was begun since then, when all of that was on the disk.
            let older = (try? AuditFile("\(path).1", mayBeNew: false).read()) ?? []
            guard let end = AuditFile.end(of: head, in: older), go(from: end, in: older) == older.count else {
                throw .lost(path: path, written: synced.number)
            }
        }
        at = go(from: at, in: bytes)
        // Of a log that has had more than its first record a head was written.
        let isFirst = head.number <= 1 && !bytes[at...].contains(0x0A)
        let hasOlder = unsafe access("\(path).1", F_OK) == 0
        guard synced.number > 0 || isFirst && !hasOlder else { throw .lost(path: path, written: nil) }
        if at < bytes.count { try file.cut(to: at) }
        return bytes.count - at
    }

    /// Goes on with the lines that follow from the head; returns where what does not begins.
    private func go(from start: Int, in bytes: [UInt8]) -> Int {
        var at = start
        while let end = bytes[at...].firstIndex(of: 0x0A) {
            let line = AuditLine(bytes[at..<end])
            guard let line, line.number == head.number + 1, line.previous == head.digest else { break }
            head = AuditHead(number: line.number, digest: AuditText.digest(bytes.span.extracting(at..<end)))
            at = end + 1
        }
        return at
    }

    /// Appends a record.
    /// - Parameter synced: it is on the disk when this returns, and survives a loss of power; any survives a kill.
    /// - Throws: `AuditError`: it is not there, or nobody knows.
    public func append(_ record: AuditRecord, synced: Bool) throws(AuditError) {
        guard !isBroken else { throw .system(path: path, number: EIO) }
        if file.size >= limit { try rotate() }
        guard file.isAtItsPath else { throw .replaced(path: path) }
        try sayCut()
        // A second record without a head would be a log of which nothing says how long it was.
        if self.synced.number == 0 { try synchronize() }
        let line = AuditText(record, number: head.number + 1, after: head.digest, time: Date()).bytes
        try file.append(line + [0x0A])
        head = AuditHead(number: head.number + 1, digest: AuditText.digest(line.span))
        if synced { try synchronize() }
    }

    /// What was appended is on the disk; if anything was. The log first: a head is never ahead of it.
    public func synchronize() throws(AuditError) {
        guard synced != head else { return }
        do throws(AuditError) { try file.synchronize() } catch {
            isBroken = true
            throw error
        }
        synchronizations += 1
        try headFile.write(head)
        synced = head
    }

    /// Begins a new file. Nothing has another name before that can be written, and each older one moves up by one at most: what a
    /// kill leaves half done is gone on with.
    private func rotate() throws(AuditError) {
        try synchronize()
        // Its record is looked for in the newest file, and in the one before.
        try headFile.synchronize()
        _ = unsafe unlink(path + ".new")
        let new = try AuditFile(path + ".new", isNew: true)
        // Where that failed once behind them, none moves again.
        let isThere = unsafe access(path, F_OK) == 0
        let free = (1..<files).first { unsafe access("\(path).\($0)", F_OK) != 0 } ?? files - 1
        for number in stride(from: isThere ? free : 0, through: 1, by: -1) {
            let from = number == 1 ? path : "\(path).\(number - 1)"
            guard unsafe rename(from, "\(path).\(number)") == 0 else { throw .system(path: from, number: errno) }
        }
        try new.rename(to: path)
        file = new
        AuditFile.synchronizeFolder(of: path)
    }
}
