import Foundation

/// Which leaves of a key are still unused: a file that is replaced, and is on the disk, before a leaf is used. So no leaf is used
/// twice, whenever the program ends or the power fails; some are never used.
struct LeafState {
    let folder: URL
    private var file: URL { folder.appending(path: "manifest-key.state") }

    /// The next unused leaf, and one beyond the last that this copy of the key may use.
    func read() throws(KeyError) -> Range<Int> {
        guard let text = try? String(contentsOf: file, encoding: .utf8) else { throw .missing(file: file.path) }
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 4, words[0] == "next", words[2] == "end", let next = Int(words[1]),
            let end = Int(words[3]), 0 <= next, next <= end
        else { throw .damaged(file: file.path) }
        return next..<end
    }

    /// Takes `count` leaves: nobody gets them again. The caller may use them when this has returned.
    /// - Parameter fromEnd: the last ones, for a copy of the key.
    func reserve(_ count: Int, fromEnd: Bool = false) throws(KeyError) -> Range<Int> {
        try locked { () throws(KeyError) in
            let left = try read()
            guard left.count >= count, count > 0 else { throw KeyError.exhausted(leaves: left.upperBound) }
            let border = fromEnd ? left.upperBound - count : left.lowerBound + count
            try write(fromEnd ? left.lowerBound..<border : border..<left.upperBound)
            return fromEnd ? border..<left.upperBound : left.lowerBound..<border
        }
    }

    func locked<T>(_ body: () throws(KeyError) -> T) throws(KeyError) -> T {
        let lock = openFile(folder.appending(path: "manifest-key.lock").path, O_RDWR | O_CREAT | O_CLOEXEC)
        guard lock >= 0 else { throw .system("\(folder.path) cannot be written: \(Self.error)") }
        defer { close(lock) }
        while flock(lock, LOCK_EX) != 0 { if errno != EINTR { throw .busy(folder: folder.path) } }
        return try body()
    }

    /// A new file beside the old one, on the disk before it takes its place; then the folder, in which the place is.
    func write(_ left: Range<Int>) throws(KeyError) {
        try DurableFile.replace(file, Data("next \(left.lowerBound) end \(left.upperBound)\n".utf8))
    }

    static var error: String { unsafe String(cString: strerror(errno)) }
}

/// `open` of the C library with a mode, which takes a variable number of arguments.
private func openFile(_ path: String, _ flags: CInt) -> CInt { unsafe open(path, flags, 0o600) }

/// Files that are whole and on the disk when they are there at all.
enum DurableFile {
    static func replace(_ file: URL, _ content: Data, mode: mode_t = 0o600) throws(KeyError) {
        let folder = file.deletingLastPathComponent()
        let partial = folder.appending(path: ".\(file.lastPathComponent).\(getpid())")
        let descriptor = unsafe open(partial.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw .system("\(partial.path) cannot be written: \(LeafState.error)") }
        var isWritten = true
        var rest = content
        while !rest.isEmpty, isWritten {
            let count = unsafe rest.withUnsafeBytes { unsafe Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 { rest = Data(rest.dropFirst(count)) } else if errno != EINTR { isWritten = false }
        }
        isWritten = fsync(descriptor) == 0 && isWritten
        close(descriptor)
        guard isWritten, unsafe rename(partial.path, file.path) == 0 else {
            let error = LeafState.error
            unsafe unlink(partial.path)
            throw .system("\(file.path) cannot be written: \(error)")
        }
        let parent = unsafe open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { if parent >= 0 { close(parent) } }
        guard parent >= 0, fsync(parent) == 0 else {
            throw .system("\(folder.path) cannot be synchronized: \(LeafState.error)")
        }
    }
}
