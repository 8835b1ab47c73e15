import Foundation

/// A hard disk with a boot volume in its one partition (MBR, type EF: an EFI system partition), for firmware that looks
/// for file systems in partitions only.
struct BootDisk: Sendable {
    let path: String
    let cylinders: Int
    static let heads = 16
    static let sectorsPerTrack = 63
    static let sectorSize = 512
    /// Where the partition starts; the sectors before it are the partition table's track.
    static let firstSector = 63

    /// Writes the disk to `file`. Blocks of zeros take no room there.
    /// - Throws: `MachineError.missing`, `MachineError.impossible` for a volume that is no whole number of sectors or larger
    ///   than a partition table can say.
    init(volume: URL, in file: URL) throws {
        guard let source = try? FileHandle(forReadingFrom: volume) else {
            throw MachineError.missing(file: volume.path, hint: "it is the boot volume, and cannot be read")
        }
        defer { try? source.close() }
        let size = try source.seekToEnd()
        let sectors = size / UInt64(Self.sectorSize)
        guard size > 0, size % UInt64(Self.sectorSize) == 0, sectors < 1 << 28 else {
            throw MachineError.impossible("\(volume.path) is no boot volume: it has \(size) bytes")
        }
        path = file.path
        let cylinder = Self.heads * Self.sectorsPerTrack
        cylinders = (Int(sectors) + Self.firstSector + cylinder - 1) / cylinder
        guard FileManager.default.createFile(atPath: file.path, contents: nil) else {
            throw MachineError.missing(file: file.path, hint: "it cannot be created")
        }
        let target = try FileHandle(forWritingTo: file)
        defer { try? target.close() }
        try target.truncate(atOffset: UInt64(cylinders * cylinder * Self.sectorSize))
        // Truncating has moved to the end.
        try target.seek(toOffset: 0)
        try target.write(contentsOf: Self.partitionTable(sectors: UInt32(sectors)))
        try source.seek(toOffset: 0)
        var offset = UInt64(Self.firstSector * Self.sectorSize)
        while let block = try source.read(upToCount: 1 << 20), !block.isEmpty {
            if block.contains(where: { $0 != 0 }) {
                try target.seek(toOffset: offset)
                try target.write(contentsOf: block)
            }
            offset += UInt64(block.count)
        }
    }

    /// The disk's first sector. UEFI 2.10, 5.2.1, table 5.1.
    static func partitionTable(sectors: UInt32) -> Data {
        var table = Data(count: 446)
        // Not bootable the old way, and cylinders, heads and sectors that say "see the sector numbers".
        table += [0, 0xFE, 0xFF, 0xFF, 0xEF, 0xFE, 0xFF, 0xFF]
        for value in [UInt32(firstSector), sectors] {
            table += (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        return table + Data(count: 48) + [0x55, 0xAA]
    }
}
