import Foundation
import Synchronization

/// A folder in the system's temporary one, or in memory, that no other user can read: images and volumes may hold what is not for all.
public enum PrivateFolder {
    /// Runs `body` with a new folder (mode 0700, a name that nobody can know before), which is removed at the end, also when it
    /// throws.
    /// - Throws: `MachineError.missing` where none can be made.
    public static func with<T>(_ body: (URL) throws -> T) throws -> T { try with(in: [], body) }

    /// The same in memory, where the system has a place for that which this user may write to: what lies there is on no disk when it is
    /// removed, but for what was swapped out.
    public static func inMemory<T>(_ body: (URL) throws -> T) throws -> T {
        let places = ["/dev/shm", ProcessInfo.processInfo.environment["XDG_RUNTIME_DIR"] ?? ""].filter(isMemory)
        return try with(in: places.map { URL(filePath: $0, directoryHint: .isDirectory) }, body)
    }

    /// In the first of these places in which one can be made.
    static func with<T>(in places: [URL], _ body: (URL) throws -> T) throws -> T {
        let usual = FileManager.default.temporaryDirectory
        var made: URL?
        for place in places + [usual] where made == nil { made = make(in: place) }
        guard let folder = made else {
            throw MachineError.missing(file: usual.path, hint: "a temporary folder cannot be made in it")
        }
        _ = present.withLock { $0.insert(folder) }
        defer { remove([folder]) }
        return try body(folder)
    }

    /// Removes all that are there: for a process that is about to end by a signal, which no `defer` sees.
    public static func removeAll() { remove(present.withLock { $0 }) }
    /// One at a time, to its end: of two that remove the same folder each fails where the other was before, and a process that ends
    /// then leaves the rest.
    static func remove(_ folders: Set<URL>) {
        present.withLock { present in
            for folder in folders where present.remove(folder) != nil {
                try? FileManager.default.removeItem(at: folder)
            }
        }
    }
    private static let present = Mutex<Set<URL>>([])

    private static func make(in place: URL) -> URL? {
        var name = Array(place.appending(path: "bulkhead-XXXXXX").path.utf8CString)
        guard unsafe mkdtemp(&name) != nil else { return nil }
        let path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return URL(filePath: path, directoryHint: .isDirectory)
    }

    /// Whether a folder is the root of a tmpfs (proc_pid_mounts(5)), and root's or this user's own: who has another's variables, by `su`,
    /// does not work in that other's folder, who could exchange what is in it.
    private static func isMemory(_ path: String) -> Bool {
        var facts = stat()
        guard unsafe lstat(path, &facts) == 0, [0, geteuid()].contains(facts.st_uid) else { return false }
        let mounts = (try? String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)) ?? ""
        return mounts.split(separator: "\n").contains {
            let words = $0.split(separator: " ")
            return words.count > 2 && words[1] == path && words[2] == "tmpfs"
        }
    }
}
