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
    /// - Parameter path: from the volume's root, with `/`.
    /// - Throws: `MachineError` when the volume cannot be read.
    public func read(_ path: String) throws -> Data? {
        switch place {
        case .folder(let folder):
            let file = folder.appending(path: path)
            return FileManager.default.fileExists(atPath: file.path) ? try Data(contentsOf: file) : nil
        case .image(let image):
            try Tool.run("mdir", ["-b", "-i", image, "::/"])
            return try PrivateFolder.with { folder in
                let copy = folder.appending(path: "copy")
                do { try Tool.run("mcopy", ["-n", "-i", image, "::/" + path, copy.path]) } catch { return nil }
                return try Data(contentsOf: copy)
            }
        }
    }
}
