import Foundation

/// Reads files from a boot volume: a folder, an image of a FAT file system, or one of a disk with an MBR whose partition of
/// type EF is such a file system (mtools; no privileges needed).
public struct VolumeReader: Sendable {
    private enum Place: Sendable {
        case folder(URL)
        /// What mtools takes for the image: a path, and where in it the file system begins.
        case image(String)
    }
    private let place: Place

    /// - Throws: `MachineError.missing` when there is no such volume, `impossible` when it cannot be read.
    public init(_ volume: URL) throws(MachineError) {
        var isFolder: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: volume.path, isDirectory: &isFolder) else {
            throw .missing(file: volume.path, hint: "name a folder, or an image of a boot volume")
        }
        if isFolder.boolValue {
            place = .folder(volume)
            return
        }
        guard let handle = try? FileHandle(forReadingFrom: volume), let sector = try? handle.read(upToCount: 512),
            sector.count == 512, sector.suffix(2) == Data([0x55, 0xAA])
        else { throw .impossible("\(volume.path) is neither a FAT file system nor a disk with an MBR") }
        place = .image(volume.path + (Self.partition(Array(sector)).map { "@@\($0)" } ?? ""))
    }

    /// Where the partition of type EF begins, bytes (UEFI 2.10, table 5.1); nil when the sector is a file system's own.
    static func partition(_ sector: [UInt8]) -> Int? {
        for entry in stride(from: 446, to: 510, by: 16) where sector[entry + 4] == 0xEF && sector[entry] & 0x7F == 0 {
            return (0..<4).reduce(0) { $0 | Int(sector[entry + 8 + $1]) << (8 * $1) } * 512
        }
        return nil
    }

    /// The content of a file, nil when the volume has none of that name.
    /// - Parameters:
    ///   - path: from the volume's root, with `/`.
    ///   - limit: bytes; of a longer file no more than one byte beyond is read.
    /// - Throws: `MachineError` when the volume or the file cannot be read, or the file is longer.
    public func read(_ path: String, atMost limit: Int = 1 << 40) throws -> Data? {
        func checked(_ file: URL, _ name: String) throws -> Data {
            guard let handle = try? FileHandle(forReadingFrom: file) else {
                throw MachineError.impossible("\(name) cannot be read")
            }
            defer { try? handle.close() }
            guard let content = try? handle.read(upToCount: limit + 1) ?? Data() else {
                throw MachineError.impossible("\(name) cannot be read")
            }
            guard content.count <= limit else { throw MachineError.tooLong(name, limit) }
            return content
        }
        switch place {
        case .folder(let folder):
            let file = folder.appending(path: path)
            return FileManager.default.fileExists(atPath: file.path) ? try checked(file, file.path) : nil
        case .image(let image):
            let copy = FileManager.default.temporaryDirectory.appending(path: "bulkhead-\(UUID().uuidString)")
            defer { try? FileManager.default.removeItem(at: copy) }
            try Tool.run("mdir", ["-b", "-i", image, "::/"])
            let command = ["--fsize=\(limit + 1)", "mcopy", "-n", "-i", image, "::/" + path, copy.path]
            do { try Tool.run("prlimit", command) } catch {
                // What is cut at the limit is there, and longer.
                guard FileManager.default.fileExists(atPath: copy.path) else { return nil }
                throw MachineError.tooLong(path, limit)
            }
            return try checked(copy, path)
        }
    }
}
