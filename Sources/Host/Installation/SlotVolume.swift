import Foundation
import Machines

/// A FAT volume in one partition of a disk. It is changed in a copy (mtools; nothing is mounted), and what differs is then
/// written in an order in which a loss of power costs free clusters at most: what goes to free clusters, then the tables, then
/// the rest, when files are added; the other way round when they are removed.
struct SlotVolume {
    let device: any SectorDevice
    /// Bytes of the disk.
    let range: Range<UInt64>

    enum Change { case add, remove }

    /// Files of an image by their paths; without those that are not there, or are longer than their limit in bytes. Not much more
    /// than that is ever copied, whatever the image's tables say.
    /// - Throws: `MachineError` where this system has no room for them or lacks a program: the image may be whole.
    static func read(_ files: [(path: String, limit: Int)], from image: String) throws -> [String: Data] {
        var found: [String: Data] = [:]
        // Small ones together, as far as their names differ.
        var batch: [String: (path: String, limit: Int)] = [:]
        func readBatch() throws {
            if batch.isEmpty { return }
            let target = FileManager.default.temporaryDirectory.appending(path: "bulkhead-files-\(UUID().uuidString)")
            let all = UInt64(batch.values.reduce(0) { $0 + $1.limit })
            let size = try FileManager.default.attributesOfItem(atPath: image)[.size] as? UInt64 ?? all
            try SafeFile.requireRoom(min(all, size), in: target)
            try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: target) }
            // A byte more: what is cut at the limit would be taken for whole.
            let limit = batch.values.map(\.limit).max() ?? 0
            let sources = batch.values.map { "::/\($0.path)" }
            do {
                try Tool.run("prlimit", ["--fsize=\(limit + 1)", "mcopy", "-n", "-i", image] + sources + [target.path])
            } catch MachineError.program(let name, let status, let output) where status == 126 || status == 127 {
                throw MachineError.program(name, status: status, output: output)
            } catch MachineError.program {}
            for (name, file) in batch {
                guard let content = try? Data(contentsOf: target.appending(path: name)), content.count <= file.limit
                else { continue }
                found[file.path] = content
            }
            batch = [:]
        }
        for file in files {
            let name = file.path.split(separator: "/").last.map { $0.lowercased() } ?? ""
            if file.limit > 1 << 20 || batch.keys.contains(where: { $0.lowercased() == name }) { try readBatch() }
            batch[file.path.split(separator: "/").last.map(String.init) ?? ""] = file
            if file.limit > 1 << 20 { try readBatch() }
        }
        try readBatch()
        return found
    }

    /// The names in a folder of an image, without what lies below it.
    static func names(in folder: String, of image: String) -> [String] {
        let text = (try? Tool.run("mdir", ["-b", "-i", image, "::/\(folder)"])) ?? ""
        return text.split(separator: "\n").compactMap { $0.split(separator: "/").last.map(String.init) }
    }

    /// Runs `body` with a copy of the volume, an image that mtools read.
    func withCopy<T>(_ body: (String) throws -> T) throws -> T {
        let copy = FileManager.default.temporaryDirectory.appending(path: "bulkhead-slot-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: copy) }
        guard FileManager.default.createFile(atPath: copy.path, contents: nil) else {
            throw MachineError.missing(file: copy.path, hint: "it cannot be created")
        }
        let handle = try FileHandle(forWritingTo: copy)
        defer { try? handle.close() }
        try handle.truncate(atOffset: UInt64(range.count))
        try forEachPiece { offset, data in
            guard data != Data(count: data.count) else { return }
            try handle.seek(toOffset: UInt64(offset))
            try handle.write(contentsOf: data)
        }
        return try body(copy.path)
    }

    /// Changes the volume by what `body` does to a copy of it.
    /// - Parameter isNew: whether there is no file system yet, and nothing that a wrong order could lose.
    func change(_ change: Change, isNew: Bool = false, _ body: (String) throws -> Void) throws {
        let layout = try FATLayout(size: range.count) { try device.read(range.lowerBound + UInt64($0), $1) }
        guard isNew || layout != nil else {
            throw MachineError.impossible(
                "a slot's file system is damaged, or of a kind that `bulkhead install` does not make; that slot was not written"
            )
        }
        try withCopy { copy in
            try body(copy)
            let handle = try FileHandle(forReadingFrom: URL(filePath: copy))
            defer { try? handle.close() }
            var changed: [(part: FATLayout.Part, offset: Int, data: Data)] = []
            try forEachPiece { offset, old in
                try handle.seek(toOffset: UInt64(offset))
                guard let new = try handle.read(upToCount: old.count), new != old else { return }
                // Sector by sector: nothing that did not change is written.
                for at in stride(from: 0, to: old.count, by: 512) where new[at..<at + 512] != old[at..<at + 512] {
                    let part = layout?.part(at: offset + at) ?? .free
                    changed.append((part, offset + at, Data(new[at..<at + 512])))
                }
            }
            let order: [FATLayout.Part] = change == .add ? [.free, .table, .other] : [.other, .table, .free]
            for part in order {
                for sector in changed where sector.part == part {
                    try device.write(range.lowerBound + UInt64(sector.offset), sector.data)
                }
                try device.flush()
            }
            try verify(changed.map { ($0.offset, $0.data) })
        }
    }

    /// Reads what was written from the disk itself: a stick that is bad, or smaller than it says, is noticed here and not at the
    /// next start.
    private func verify(_ written: [(offset: Int, data: Data)]) throws {
        try device.forget()
        var rest = written.sorted { $0.offset < $1.offset }[...]
        while let first = rest.first {
            let piece = try device.read(range.lowerBound + UInt64(first.offset), 1 << 20)
            while let next = rest.first, next.offset - first.offset + next.data.count <= piece.count {
                let at = next.offset - first.offset
                guard piece[at..<at + next.data.count] == next.data else { throw Self.isBad(next.offset) }
                rest = rest.dropFirst()
            }
            if rest.first?.offset == first.offset { throw Self.isBad(first.offset) }
        }
    }

    private static func isBad(_ offset: Int) -> MachineError {
        .impossible(
            "the disk does not read back as it was written (at byte \(offset) of the slot): it is worn out, or smaller than it "
                + "says. The other slot was not touched")
    }

    private func forEachPiece(_ body: (Int, Data) throws -> Void) throws {
        var offset = 0
        while offset < range.count {
            let count = min(1 << 20, range.count - offset)
            let data = try device.read(range.lowerBound + UInt64(offset), count)
            guard data.count == count else { throw MachineError.impossible("the disk ends within a partition") }
            try body(offset, Data(data))
            offset += count
        }
    }
}
