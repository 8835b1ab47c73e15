import Foundation
import Manifest
import ManifestFile

/// Reads files from a boot volume: a folder, an image of a FAT file system, or one of a disk with an MBR whose partition of
/// type EF is such a file system (mtools; no privileges needed).
public struct VolumeReader: Sendable {
    private enum Place: Sendable {
        case folder(URL)
        /// What mtools takes for the image: a path, and where in it the file system begins.
        case image(String)
    }
    private let place: Place

    /// - Throws: `MachineError.missing` when there is no such volume, `impossible` or `program` when it cannot be read.
    public init(_ volume: URL) throws(MachineError) {
        guard let kind = SafeFile.kind(of: volume) else {
            throw .missing(file: volume.path, hint: "name a folder, or an image of a boot volume")
        }
        if kind == S_IFDIR {
            place = .folder(volume)
            return
        }
        // A pipe would be waited for.
        guard kind == S_IFREG || kind == S_IFBLK, let handle = try? FileHandle(forReadingFrom: volume),
            let sector = try? handle.read(upToCount: 512), sector.count == 512,
            sector.suffix(2) == Data([0x55, 0xAA])
        else { throw .impossible("\(volume.path) is neither a FAT file system nor a disk with an MBR") }
        let image = volume.path + (Self.partition(Array(sector)).map { "@@\($0)" } ?? "")
        // A volume that cannot be read is none without the file that is asked for.
        do { try Tool.run("mdir", ["-b", "-i", image, "::/"]) } catch {
            throw error as? MachineError ?? .impossible("\(error)")
        }
        place = .image(image)
    }

    /// Where the partition of type EF begins, bytes (UEFI 2.10, table 5.1); nil when the sector is a file system's own.
    static func partition(_ sector: [UInt8]) -> Int? {
        for entry in stride(from: 446, to: 510, by: 16) where sector[entry + 4] == 0xEF && sector[entry] & 0x7F == 0 {
            return (0..<4).reduce(0) { $0 | Int(sector[entry + 8 + $1]) << (8 * $1) } * 512
        }
        return nil
    }

    /// Whether a path leads to one file of the volume, wherever the volume is: nothing else is looked for. A manifest, which may be
    /// anybody's, could name one that leads out of a folder, or that mtools takes for a pattern.
    static func isName(_ path: String) -> Bool {
        path.wholeMatch(of: /[A-Za-z0-9_-][A-Za-z0-9_.-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*/) != nil
    }

    /// The content of a file, nil when the volume has none of that name.
    /// - Parameters:
    ///   - path: from the volume's root, with `/`.
    ///   - limit: bytes; of a longer file no more than one byte beyond is read.
    /// - Throws: `MachineError` when the volume or the file cannot be read, the file is longer, or no file of the volume's own.
    public func read(_ path: String, atMost limit: Int) throws -> Data? {
        guard Self.isName(path) else {
            throw MachineError.impossible("\(path) is no path that a file of a boot volume can have")
        }
        switch place {
        case .folder(let folder): return try read(path, in: folder, limit)
        case .image(let image): return try read(path, of: image, limit)
        }
    }

    private func read(_ path: String, in folder: URL, _ limit: Int) throws -> Data? {
        let tree = FileTree(root: folder.path), file = folder.appending(path: path)
        guard let kind = SafeFile.kind(of: file) else { return nil }
        guard tree.exists(path) else {
            throw MachineError.impossible("\(file.path) is a link to what is not on the volume")
        }
        // Known before anything is read; what is read has the bound too.
        let size = try? file.resolvingSymlinksInPath().resourceValues(forKeys: [.fileSizeKey]).fileSize
        if kind == S_IFREG, let size, size > limit { throw MachineError.tooLong(file.path, limit) }
        guard kind == S_IFREG, let content = tree.content(path, limit: limit + 1) else {
            throw MachineError.impossible("\(file.path) is no file, or cannot be read")
        }
        guard content.count <= limit else { throw MachineError.tooLong(file.path, limit) }
        return content
    }

    private func read(_ path: String, of image: String, _ limit: Int) throws -> Data? {
        guard let found = try? Tool.run("mdir", ["-a", "-b", "-i", image, "::/" + path]) else {
            // A volume that cannot be read any more is none without the file.
            try Tool.run("mdir", ["-b", "-i", image, "::/"])
            return nil
        }
        // Of a folder it lists what is in it.
        guard found.hasSuffix("::/\(path)\n") else { throw MachineError.impossible("\(path) is no file") }
        // By a pipe: a copy would take room that this system may not have.
        let content = try Tool.content("mcopy", ["-n", "-i", image, "::/" + path, "-"], atMost: limit + 1)
        guard content.count <= limit else { throw MachineError.tooLong(path, limit) }
        return content
    }
}

/// The most bytes of the files of a boot volume that the hypervisor reads.
public enum BootFileLimit {
    public static let manifest = Manifest.maxFileSize
    public static let image = 1 << 30
}
