import Foundation
import Machines

/// Files of slots in a mounted system partition. A slot's list and version come last, so that one that is cut off is none.
extension SystemSlots {
    func remove(_ slot: Slot) throws {
        // First what makes it one that is counted on.
        for path in [Self.confirmed(slot), Self.version(slot), Self.folder(slot), Self.program(slot)] {
            let place = url(path)
            guard Self.files.fileExists(atPath: place.path) else { continue }
            try willChange("remove \(path)")
            try Self.files.removeItem(at: place)
        }
        let folder = url(Self.program(slot)).deletingLastPathComponent()
        if Self.files.fileExists(atPath: folder.path) { try Self.files.removeItem(at: folder) }
    }

    /// Bytes that are free once the slot is removed.
    func size(of slot: Slot) -> UInt64 {
        [Self.folder(slot), (Self.program(slot) as NSString).deletingLastPathComponent].reduce(0) { sum, path in
            let all = Self.files.enumerator(at: url(path), includingPropertiesForKeys: [.fileSizeKey])
            return (all?.allObjects ?? []).reduce(sum) { sum, file in
                let size = try? (file as? URL)?.resourceValues(forKeys: [.fileSizeKey]).fileSize
                return sum + UInt64(size ?? 0)
            }
        }
    }

    /// nil for a file that is not there, or is longer: no more than that is read, whatever the disk says.
    /// - Parameter limit: bytes.
    func content(_ path: String, atMost limit: Int) -> Data? {
        guard let file = try? FileHandle(forReadingFrom: url(path)) else { return nil }
        defer { try? file.close() }
        guard let content = try? file.read(upToCount: limit + 1) ?? Data(), content.count <= limit else { return nil }
        return content
    }

    /// Whether a file is as its line says; at most a piece of it is in memory.
    func isThere(_ line: SlotLine) -> Bool {
        guard let file = try? FileHandle(forReadingFrom: url(line.path)) else { return false }
        defer { try? file.close() }
        var content = CRC32.Running(), size = 0
        while size <= line.size, let piece = try? file.read(upToCount: pieceSize), !piece.isEmpty {
            content.take(piece)
            size += piece.count
        }
        return size == line.size && content.value == line.checksum
    }

    func write(_ content: SlotContent, _ slot: Slot, version: Int) throws {
        var lines = ""
        for (path, source) in content.files {
            let place = Self.place(path, slot)
            let sum = try copy(try FileHandle(forReadingFrom: source.resolvingSymlinksInPath()), place)
            lines += SlotLine(checksum: sum.checksum, size: sum.size, path: place).text
        }
        let manifest = Data(content.manifest), place = Self.place("BULKHEAD/manifest.cbor", slot)
        try put(manifest, place)
        lines += SlotLine(checksum: CRC32.of(manifest), size: manifest.count, path: place).text
        try put(Data(lines.utf8), Self.folder(slot) + "/slot.txt")
        // All that was written is on the disk before anything counts on it.
        sync()
        guard states().first(where: { $0.slot == slot })?.isWhole == true else {
            throw MachineError.impossible(
                "slot \(slot.rawValue) does not read back as it was written; the other one was not touched")
        }
        try put(Data("\(version)\n".utf8), Self.version(slot))
        sync()
    }

    /// Copies a file piece by piece; what it was.
    private func copy(_ source: FileHandle, _ path: String) throws -> (checksum: UInt32, size: Int) {
        defer { try? source.close() }
        let target = try create(path)
        defer { try? target.close() }
        var content = CRC32.Running(), size = 0
        while let piece = try source.read(upToCount: pieceSize), !piece.isEmpty {
            try willChange("write \(path)")
            try target.write(contentsOf: piece)
            content.take(piece)
            size += piece.count
        }
        try target.synchronize()
        return (content.value, size)
    }

    private func put(_ data: Data, _ path: String) throws {
        let target = try create(path)
        defer { try? target.close() }
        try willChange("write \(path)")
        try target.write(contentsOf: data)
        try target.synchronize()
    }

    private func create(_ path: String) throws -> FileHandle {
        let place = url(path)
        try Self.files.createDirectory(at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        guard Self.files.createFile(atPath: place.path, contents: nil) else {
            throw MachineError.missing(file: place.path, hint: "it cannot be created")
        }
        return try FileHandle(forWritingTo: place)
    }
}
