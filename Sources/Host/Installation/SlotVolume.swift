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

    /// Copies folders of an image into one of the host's for as long as `body` runs. What is not there, or damaged, is left out.
    static func extract<T>(_ folders: [String], from image: String, _ body: (URL) throws -> T) rethrows -> T {
        let target = FileManager.default.temporaryDirectory.appending(path: "bulkhead-files-\(UUID().uuidString)")
        try? FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: target) }
        _ = try? Tool.run("mcopy", ["-s", "-n", "-i", image] + folders.map { "::/\($0)" } + [target.path])
        return try body(target)
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
            guard data.contains(where: { $0 != 0 }) else { return }
            try handle.seek(toOffset: UInt64(offset))
            try handle.write(contentsOf: data)
        }
        return try body(copy.path)
    }

    /// Changes the volume by what `body` does to a copy of it.
    func change(_ change: Change, _ body: (String) throws -> Void) throws {
        let layout = try FATLayout { try device.read(range.lowerBound + UInt64($0), $1) }
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
        }
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
