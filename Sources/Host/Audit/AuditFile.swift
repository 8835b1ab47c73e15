import Foundation

/// A file of an audit log's: its user's alone.
final class AuditFile {
    private let descriptor: Int32
    private(set) var path: String
    private(set) var size = 0

    /// Opens or makes it.
    /// - Parameters:
    ///   - isNew: one that is there is an error.
    ///   - mayBeNew: it is made where there is none.
    init(_ path: String, isNew: Bool = false, mayBeNew: Bool = true) throws(AuditError) {
        let isMade = unsafe access(path, F_OK) != 0
        let flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | (mayBeNew ? O_CREAT : 0) | (isNew ? O_EXCL : 0)
        descriptor = unsafe open(path, flags, 0o600)
        self.path = path
        guard descriptor >= 0 else { throw .system(path: path, number: errno) }
        var facts = stat()
        // The structure is one of the call's own kind.
        guard unsafe fstat(descriptor, &facts) == 0 else { throw .system(path: path, number: errno) }
        size = facts.st_size
        guard facts.st_mode & S_IFMT == S_IFREG, facts.st_uid == geteuid(), fchmod(descriptor, 0o600) == 0 else {
            throw .exposed(path: path)
        }
        if isMade { Self.synchronizeFolder(of: path) }
    }

    /// A file that was made has its name after a loss of power, too.
    static func synchronizeFolder(of path: String) {
        let folder = URL(filePath: path).deletingLastPathComponent().path
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    /// Whether it is still what has its name, and nobody else has written to it.
    var isAtItsPath: Bool {
        var own = stat(), named = stat()
        // The structures are the calls' own kind.
        guard unsafe fstat(descriptor, &own) == 0, unsafe lstat(path, &named) == 0 else { return false }
        return own.st_dev == named.st_dev && own.st_ino == named.st_ino && own.st_size == size
    }

    /// Where the line of a record ends, behind its last byte; nil: it is not there.
    static func end(of head: AuditHead, in bytes: [UInt8]) -> Int? {
        // Each line begins with its number.
        let start = Array("{\"n\":\(head.number),".utf8)
        var end = bytes.count
        while end > 0 {
            let at = bytes[..<(end - 1)].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
            if bytes[end - 1] == 0x0A, bytes[at...].starts(with: start),
                AuditText.digest(bytes.span.extracting(at..<(end - 1))) == head.digest
            {
                return end
            }
            end = at
        }
        return nil
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// All of it.
    func read() throws(AuditError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: size), got = 0
        while got < bytes.count {
            let count = unsafe bytes.withUnsafeMutableBytes { buffer in
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[got...])
                return unsafe pread(descriptor, rest.baseAddress, rest.count, got)
            }
            guard count > 0 else { throw .system(path: path, number: count == 0 ? EIO : errno) }
            got += count
        }
        return bytes
    }

    /// Writes behind the end; all or nothing.
    func append(_ bytes: [UInt8]) throws(AuditError) {
        do throws(AuditError) { try write(bytes, at: size) } catch {
            // What came of it is not left to stand before the next line.
            ftruncate(descriptor, size)
            throw error
        }
        size += bytes.count
    }

    func write(_ bytes: [UInt8], at offset: Int) throws(AuditError) {
        let count = unsafe bytes.withUnsafeBytes { unsafe pwrite(descriptor, $0.baseAddress, $0.count, offset) }
        if count == bytes.count { return }
        throw .system(path: path, number: count < 0 ? errno : ENOSPC)
    }

    func cut(to newSize: Int) throws(AuditError) {
        guard ftruncate(descriptor, newSize) == 0 else { throw .system(path: path, number: errno) }
        size = newSize
    }

    /// Gives it another name; what has that goes.
    func rename(to newPath: String) throws(AuditError) {
        guard unsafe Glibc.rename(path, newPath) == 0 else { throw .system(path: newPath, number: errno) }
        path = newPath
    }

    /// What was written is on the disk.
    func synchronize() throws(AuditError) {
        guard fdatasync(descriptor) == 0 else { throw .system(path: path, number: errno) }
    }
}

/// Why an audit log cannot be written or read.
public enum AuditError: Error, Equatable, CustomStringConvertible {
    case system(path: String, number: Int32)
    case exposed(path: String)
    case damagedHead(path: String)
    /// The record that was written last is not there; nil: nothing says which that was.
    case lost(path: String, written: UInt64?)
    /// Somebody has moved, removed or changed the file under the daemon.
    case replaced(path: String)

    public var description: String {
        switch self {
        // strerror's answer stays valid until the next call; it is copied here.
        case .system(let path, let number): "\(path): \(unsafe String(cString: strerror(number)))"
        case .exposed(let path): "\(path) is no file of this user's alone"
        case .damagedHead(let path): "\(path) is no place in a log. \(Self.advice)"
        case .lost(let path, let written?):
            "\(path) does not have record \(written), which was written, or has another one in its place. \(Self.advice)"
        case .lost(let path, nil):
            "\(path) has records, and nothing beside it says which was written last. \(Self.advice)"
        case .replaced(let path):
            "\(path) is another file than the daemon has written: it was moved, removed or changed"
        }
    }

    private static let advice =
        "Look at it with `bulkhead audit verify`. With all files whose names begin so moved away, a new log begins."
}
