import Foundation

/// Writes files so that a loss of power, a full volume or a wrong name destroys nothing.
public enum SafeFile {
    /// Where a file that is to be written really lies: the end of symbolic links.
    /// - Throws: `MachineError.impossible` for what is there and no file: a device, a folder, a pipe.
    static func target(_ file: URL) throws(MachineError) -> URL {
        let resolved = end(of: file)
        guard let kind = kind(of: resolved) else {
            try requirePlace(resolved)
            return resolved
        }
        switch kind {
        case S_IFREG: return resolved
        case S_IFBLK:
            throw .impossible("\(file.path) is a disk, not a file; `bulkhead install --disk \(file.path)` makes a disk")
        case S_IFDIR: throw .impossible("\(file.path) is a folder; name a file in it")
        default: throw .impossible("\(file.path) is a device or a pipe, not a file")
        }
    }

    /// - Throws: `MachineError.impossible` where a new file would be one in memory in a device's place: a disk that is not plugged
    ///   in, or whose name is mistyped.
    public static func requirePlace(_ file: URL) throws(MachineError) {
        let folder = end(of: file).deletingLastPathComponent().resolvingSymlinksInPath().path
        guard ["dev", "proc", "sys"].contains(folder.split(separator: "/").first ?? "") else { return }
        // Programs share memory, and so files, in this one.
        if folder == "/dev/shm" || folder.hasPrefix("/dev/shm/") { return }
        throw .impossible("there is no \(file.path): no disk of that name is plugged in, and files do not belong there")
    }

    /// What symbolic links lead to, also where nothing is yet.
    private static func end(of file: URL) -> URL {
        var file = file
        for _ in 0..<16 {
            guard let next = try? FileManager.default.destinationOfSymbolicLink(atPath: file.path) else { break }
            file = URL(filePath: next, relativeTo: file.deletingLastPathComponent()).standardizedFileURL
        }
        return file
    }

    /// The type bits of what is at a path, nil when nothing is.
    static func kind(of file: URL) -> mode_t? {
        var facts = stat()
        return unsafe stat(file.path, &facts) == 0 ? facts.st_mode & S_IFMT : nil
    }

    /// Refuses to begin where a folder's file system has not as many free bytes.
    package static func requireRoom(_ bytes: UInt64, in folder: URL) throws(MachineError) {
        var facts = statvfs()
        var place = folder
        // A folder that is still to be made has the room of the one above.
        while kind(of: place) == nil, place.path != "/" { place.deleteLastPathComponent() }
        guard unsafe statvfs(place.path, &facts) == 0 else { return }
        let free = UInt64(facts.f_bavail) * UInt64(facts.f_frsize)
        guard free < bytes else { return }
        throw .impossible(
            "\(place.path) has \(mebibytes(free)) free; \(mebibytes(bytes)) are needed. Nothing was written")
    }

    private static func mebibytes(_ bytes: UInt64) -> String { "\((bytes + (1 << 20) - 1) >> 20) MiB" }

    /// Replaces a file at one moment: what is written lies beside it until all of it has reached the disk. Two programs that do so at
    /// once do not meet before that.
    /// - Parameter write: fills the file of this name, which is removed when it throws.
    package static func replace(_ file: URL, _ write: (URL) throws -> Void) throws {
        let target = try target(file)
        let folder = target.deletingLastPathComponent()
        let partial = folder.appending(
            path: ".\(target.lastPathComponent).\(String(UInt64.random(in: .min ... .max), radix: 16))")
        defer { try? FileManager.default.removeItem(at: partial) }
        try write(partial)
        try synchronize(partial)
        guard unsafe rename(partial.path, target.path) == 0 else {
            throw MachineError.program("rename", status: errno, output: target.path)
        }
        // A folder that cannot be synchronized (a pipe's, a network's) still has the file.
        try? synchronize(folder)
    }

    /// Writes a file at one moment. A pipe or a device of characters, such as a terminal, gets the bytes instead: nothing is
    /// renamed over it.
    /// - Throws: as `target`, and what the system says.
    public static func write(_ data: Data, to path: String) throws {
        let file = URL(filePath: path)
        guard let kind = kind(of: file), [S_IFCHR, S_IFIFO].contains(kind) else {
            return try replace(file) { try data.write(to: $0) }
        }
        let handle = try FileHandle(forWritingTo: file)
        defer { try? handle.close() }
        try handle.write(contentsOf: data)
    }

    private static func synchronize(_ file: URL) throws {
        let descriptor = unsafe open(file.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw MachineError.missing(file: file.path, hint: "it cannot be opened") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw MachineError.program("fsync", status: errno, output: file.path)
        }
    }
}
