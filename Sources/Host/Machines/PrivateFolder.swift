import Foundation

/// A folder in the system's temporary one that no other user can read: images and volumes may hold what is not for all.
public enum PrivateFolder {
    /// Runs `body` with a new folder (mode 0700, a name that nobody can know before), which is removed at the end, also when it
    /// throws.
    /// - Throws: `MachineError.missing` where none can be made.
    public static func with<T>(_ body: (URL) throws -> T) throws -> T {
        let place = FileManager.default.temporaryDirectory.appending(path: "bulkhead-XXXXXX").path
        var name = Array(place.utf8CString)
        guard unsafe mkdtemp(&name) != nil else {
            throw MachineError.missing(file: place, hint: "a temporary folder cannot be made")
        }
        let path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let folder = URL(filePath: path, directoryHint: .isDirectory)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try body(folder)
    }
}
