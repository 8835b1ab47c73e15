import Foundation

/// Where a FAT file system (12, 16 or 32 bits) has its tables, and which clusters are in use.
struct FATLayout {
    let table: Range<Int>
    /// Of the first cluster, bytes from the start.
    let dataStart: Int
    let clusterSize: Int
    /// In use by number from 2 on.
    let isUsed: [Bool]

    /// - Parameters:
    ///   - size: of the volume, bytes.
    ///   - volume: reads so many bytes from an offset within it.
    init?(size volumeSize: Int, _ volume: (Int, Int) throws -> Data) rethrows {
        guard volumeSize >= 512 else { return nil }
        let sector = try Array(volume(0, 512))
        guard sector.count == 512, sector[510] == 0x55, sector[511] == 0xAA else { return nil }
        func value(_ offset: Int, _ size: Int) -> Int {
            (0..<size).reduce(0) { $0 | Int(sector[offset + $1]) << (8 * $1) }
        }
        let bytes = value(11, 2), perCluster = value(13, 1), reserved = value(14, 2), tables = value(16, 1)
        let rootEntries = value(17, 2), small = value(22, 2), size = small != 0 ? small : value(36, 4)
        let sectors = value(19, 2) != 0 ? value(19, 2) : value(32, 4)
        guard bytes == 512, perCluster > 0, tables > 0, size > 0, reserved > 0 else { return nil }
        // Whatever the first sector says: nothing lies behind the volume's end, and each cluster has an entry.
        guard tables <= 4, rootEntries <= 0xFFFF, sectors <= volumeSize / 512, size <= sectors else { return nil }
        table = reserved * 512..<(reserved + tables * size) * 512
        dataStart = table.upperBound + (rootEntries * 32 + 511) / 512 * 512
        clusterSize = perCluster * 512
        let count = (sectors * 512 - dataStart) / clusterSize
        // By the number of clusters (Microsoft's specification 1.03, "FAT type determination"); bits an entry.
        let width = rootEntries == 0 ? 32 : count < 4085 ? 12 : 16
        guard dataStart < sectors * 512, count > 0, (count + 2) * width <= size * 512 * 8 else { return nil }
        let entries = try Array(volume(table.lowerBound, ((count + 2) * width + 7) / 8))
        isUsed = (0..<count).map { cluster in
            let at = (cluster + 2) * width / 8
            guard width == 12 else {
                return at + width / 8 <= entries.count && entries[at..<at + width / 8].contains { $0 != 0 }
            }
            // Two entries in three bytes: the even one's upper half is the second byte's lower half.
            guard at + 2 <= entries.count else { return false }
            return cluster % 2 == 0
                ? entries[at] != 0 || entries[at + 1] & 0xF != 0
                : entries[at] & 0xF0 != 0 || entries[at + 1] != 0
        }
    }

    enum Part { case free, table, other }

    /// What a byte of the volume belongs to.
    func part(at offset: Int) -> Part {
        if table.contains(offset) { return .table }
        guard offset >= dataStart else { return .other }
        let cluster = (offset - dataStart) / clusterSize
        return cluster < isUsed.count && isUsed[cluster] ? .other : .free
    }
}
