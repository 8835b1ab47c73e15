import Foundation
import Machines

/// The files of one slot, and the list by which `status` sees whether all of it is there.
public struct SlotContent {
    /// By path on the volume.
    let files: [(path: String, source: URL)]
    let manifest: [UInt8]
    static let list = "BULKHEAD/slot.txt"

    public init(_ volume: BootVolumeImage) {
        files = volume.files.map { ($0.path == "EFI/BOOT/BOOTX64.EFI" ? LoaderEntry.program : $0.path, $0.source) }
        manifest = volume.manifest
    }

    /// Bytes that a volume needs for it.
    public func size() throws -> UInt64 {
        try files.reduce(UInt64(manifest.count) + 65_536) { sum, file in
            let content = file.source.resolvingSymlinksInPath()
            let size = try content.resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0
            return sum + UInt64(size) + 65_536
        }
    }

    /// Removes what a slot had.
    static func remove(from image: String) throws {
        for folder in ["BULKHEAD", "EFI/BULKHEAD"] {
            if (try? Tool.run("mdir", ["-b", "-i", image, "::/\(folder)"])) != nil {
                try Tool.run("mdeltree", ["-i", image, "::/\(folder)"])
            }
        }
    }

    /// Puts the files into a volume that has none of them.
    func add(to image: String) throws {
        let scratch = FileManager.default.temporaryDirectory.appending(path: "bulkhead-files-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: scratch) }
        let manifestFile = scratch.appending(path: "manifest.cbor"), listFile = scratch.appending(path: "slot.txt")
        try Data(manifest).write(to: manifestFile)
        var all = files + [("BULKHEAD/manifest.cbor", manifestFile)]
        let lines = try all.map { file in
            let content = try Data(contentsOf: file.source, options: .mappedIfSafe)
            return SlotLine(checksum: CRC32.of(content), size: content.count, path: file.path).text
        }
        try Data(lines.joined().utf8).write(to: listFile)
        all.append((Self.list, listFile))
        var folders: [String] = []
        for (path, _) in all {
            let parts = path.split(separator: "/").dropLast()
            for count in 1...max(1, parts.count) {
                let folder = parts.prefix(count).joined(separator: "/")
                if !folder.isEmpty, !folders.contains(folder) { folders.append(folder) }
            }
        }
        for folder in folders where (try? Tool.run("mdir", ["-b", "-i", image, "::/\(folder)"])) == nil {
            try Tool.run("mmd", ["-i", image, "::/\(folder)"])
        }
        for (path, source) in all { try Tool.run("mcopy", ["-o", "-i", image, source.path, "::/\(path)"]) }
    }

    /// Whether a volume has all that its list says; nil where there is no list.
    static func isWhole(_ image: String) throws -> Bool? {
        guard let content = try SlotVolume.read([(list, 64 << 10)], from: image)[list] else { return nil }
        let lines = SlotLine.all(content)
        guard !lines.isEmpty, lines.count <= SlotLine.most, !lines.contains(nil) else { return false }
        let all = lines.compactMap { $0 }
        let names = Set(all.map(\.path))
        // Without these two nothing starts.
        guard names.contains(LoaderEntry.program), names.contains("BULKHEAD/manifest.cbor") else { return false }
        // More than the volume holds cannot be there, whatever its tables say of the same clusters.
        let size = try FileManager.default.attributesOfItem(atPath: image)[.size] as? Int ?? 0
        guard all.reduce(0, { $0 + $1.size }) <= size else { return false }
        // Small files together, each large one by itself: no more than that is in memory.
        let large = all.filter { $0.size > 1 << 20 }
        for part in [all.filter { $0.size <= 1 << 20 }] + large.map({ [$0] }) {
            let files = try SlotVolume.read(part.map { ($0.path, $0.size) }, from: image)
            for line in part {
                guard let content = files[line.path], content.count == line.size, CRC32.of(content) == line.checksum
                else { return false }
            }
        }
        return true
    }
}

/// A line of a slot's list of files: checksum, size in bytes, path.
struct SlotLine: Equatable {
    var checksum: UInt32
    var size: Int
    var path: String

    var text: String { "\(String(checksum, radix: 16)) \(size) \(path)\n" }

    /// More files than partitions can have.
    static let most = 256

    /// Of each line, nil where it says nothing that `install` writes.
    static func all(_ list: Data) -> [SlotLine?] {
        String(decoding: list, as: UTF8.self).split(separator: "\n").map { SlotLine(String($0)) }
    }

    init(checksum: UInt32, size: Int, path: String) {
        (self.checksum, self.size, self.path) = (checksum, size, path)
    }

    init?(_ line: String) {
        let parts = line.split(separator: " ", maxSplits: 2).map(String.init)
        guard parts.count == 3, let checksum = UInt32(parts[0], radix: 16), let size = Int(parts[1]),
            0...Int(UInt32.max) ~= size, Self.isInSlot(parts[2])
        else { return nil }
        (self.checksum, self.size, path) = (checksum, size, parts[2])
    }

    /// Whether a path, of a disk that may be anybody's, is one of a slot's files: within its two folders, and nothing to mtools
    /// but a name.
    static func isInSlot(_ path: String) -> Bool {
        path.wholeMatch(of: /(?:BULKHEAD|EFI)(?:\/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+/) != nil
    }
}
