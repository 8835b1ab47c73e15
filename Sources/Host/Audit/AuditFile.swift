import Foundation

/// A file of an audit log's: its user's alone.
final class AuditFile {
    private let descriptor: Int32
    private(set) var path: String
    private(set) var size = 0

    /// Opens or makes it.
    init(_ path: String) throws(AuditError) {
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        self.path = path
        guard descriptor >= 0 else { throw .system(path: path, number: errno) }
        var facts = stat()
        // The structure is one of the call's own kind.
        guard unsafe fstat(descriptor, &facts) == 0 else { throw .system(path: path, number: errno) }
        size = facts.st_size
        guard facts.st_mode & S_IFMT == S_IFREG, facts.st_uid == geteuid(), fchmod(descriptor, 0o600) == 0 else {
            throw .exposed(path: path)
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// The last bytes, at most so many.
    func tail(_ most: Int) throws(AuditError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: min(most, size)), got = 0
        while got < bytes.count {
            let offset = size - bytes.count + got
            let count = unsafe bytes.withUnsafeMutableBytes { buffer in
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[got...])
                return unsafe pread(descriptor, rest.baseAddress, rest.count, offset)
            }
            guard count > 0 else { throw .system(path: path, number: count == 0 ? EIO : errno) }
            got += count
        }
        return bytes
    }

    /// Writes behind the end; all or nothing.
    func append(_ bytes: [UInt8]) throws(AuditError) {
        try write(bytes, at: size)
        size += bytes.count
    }

    func write(_ bytes: [UInt8], at offset: Int) throws(AuditError) {
        let count = unsafe bytes.withUnsafeBytes { unsafe pwrite(descriptor, $0.baseAddress, $0.count, offset) }
        if count == bytes.count { return }
        let number = count < 0 ? errno : ENOSPC
        // What came of it is not left to stand before the next line.
        if offset == size { ftruncate(descriptor, size) }
        throw .system(path: path, number: number)
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
    case damaged(path: String)
    /// It ends before a record that was written into it.
    case lost(path: String, last: UInt64, written: UInt64)

    public var description: String {
        switch self {
        // strerror's answer stays valid until the next call; it is copied here.
        case .system(let path, let number): "\(path): \(unsafe String(cString: strerror(number)))"
        case .exposed(let path): "\(path) is no file of this user's alone"
        case .damaged(let path):
            "\(path) does not end with a record. Look at it with `bulkhead audit verify`; moved away with its .head, a new log begins."
        case .lost(let path, let last, let written):
            "\(path) ends with record \(last), and record \(written) was written, or is another than was written: records are missing or "
                + "were changed. Look at it with `bulkhead audit verify`; moved away with its .head, a new log begins."
        }
    }
}
