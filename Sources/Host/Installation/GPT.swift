import Foundation

/// A disk's partition table (UEFI 2.10, section 5.3): written for two partitions, read for any number.
public struct GPT: Equatable, Sendable {
    public struct Partition: Equatable, Sendable {
        /// What it is for, and which one it is: GUIDs as they lie on the disk.
        public var type: UUID
        public var id: UUID
        public var sectors: ClosedRange<UInt64>
        public var name: String

        /// By its name: a slot of a disk that `install` has made.
        public var isOurs: Bool { SlotDisk.names.values.contains(name) }

        /// Bytes of the disk; nil where it meets the partition table or is not within the disk.
        /// - Parameter size: of the disk, bytes.
        public func bytes(of size: UInt64) -> Range<UInt64>? {
            let sector = UInt64(GPT.sectorSize)
            guard sectors.lowerBound >= GPT.headSectors, sectors.upperBound < size / sector else { return nil }
            return sectors.lowerBound * sector..<(sectors.upperBound + 1) * sector
        }
    }

    /// An EFI system partition, and where boot loaders look beside it (Boot Loader Specification, "XBOOTLDR").
    public static let systemPartition = UUID(uuidString: "C12A7328-F81F-11D2-BA4B-00A0C93EC93B") ?? UUID()
    public static let extendedBootPartition = UUID(uuidString: "BC13C2FF-59E6-4262-A352-B275FD6F7172") ?? UUID()
    public static let sectorSize = 512
    private static let entryCount = 128
    private static let entrySize = 128
    /// Sectors that the table takes at the disk's start and at its end.
    public static let headSectors: UInt64 = 34
    public static let tailSectors: UInt64 = 33

    public var disk: UUID
    public var partitions: [Partition]

    public init(disk: UUID, partitions: [Partition]) {
        self.disk = disk
        self.partitions = partitions
    }

    /// What lies in the disk's first 34 sectors and in its last 33.
    /// - Parameter sectors: of the disk, more than both.
    public func encoded(sectors: UInt64) -> (head: Data, tail: Data) {
        var entries = Data(count: Self.entryCount * Self.entrySize)
        for (index, partition) in partitions.prefix(Self.entryCount).enumerated() {
            var entry = Self.bytes(partition.type) + Self.bytes(partition.id)
            entry += Self.little(partition.sectors.lowerBound, 8) + Self.little(partition.sectors.upperBound, 8)
            entry += Data(count: 8)
            for unit in partition.name.utf16.prefix(36) { entry += Self.little(UInt64(unit), 2) }
            entries.replaceSubrange(index * Self.entrySize..<index * Self.entrySize + entry.count, with: entry)
        }
        func header(at place: UInt64, other: UInt64, entriesAt: UInt64) -> Data {
            func fields(_ checksum: UInt32) -> Data {
                var header = Data("EFI PART".utf8) + Self.little(0x10000, 4) + Self.little(92, 4)
                header += Self.little(UInt64(checksum), 4) + Data(count: 4)
                header += Self.little(place, 8) + Self.little(other, 8)
                header += Self.little(Self.headSectors, 8) + Self.little(sectors - Self.tailSectors - 1, 8)
                header += Self.bytes(disk) + Self.little(entriesAt, 8) + Self.little(UInt64(Self.entryCount), 4)
                header += Self.little(UInt64(Self.entrySize), 4) + Self.little(UInt64(CRC32.of(entries)), 4)
                return header
            }
            let sealed = fields(CRC32.of(fields(0)))
            return sealed + Data(count: Self.sectorSize - sealed.count)
        }
        // One partition of type EEh over the whole disk keeps old programs away (section 5.2.3).
        var protective = Data(count: 446) + Data([0, 0, 2, 0, 0xEE, 0xFF, 0xFF, 0xFF])
        protective += Self.little(1, 4) + Self.little(min(sectors - 1, UInt64(UInt32.max)), 4)
        protective += Data(count: 48) + Data([0x55, 0xAA])
        let last = sectors - 1
        return (
            protective + header(at: 1, other: last, entriesAt: 2) + entries,
            entries + header(at: last, other: 1, entriesAt: last - 32)
        )
    }

    /// Reads the first 34 sectors, or the last 33; nil where there is no whole table.
    public init?(head: Data) { self.init(header: head.dropFirst(512).prefix(512), entries: head.dropFirst(1024)) }
    public init?(tail: Data) { self.init(header: tail.suffix(512), entries: tail.dropLast(512)) }

    /// The table of a disk: the second one where the first is damaged, unless something else begins the disk (UEFI 2.10, section
    /// 5.2.3: a protective MBR stands before both).
    init?(head: Data, tail: Data) {
        if let first = GPT(head: head) {
            self = first
        } else if Self.isProtective(head.prefix(512)), let second = GPT(tail: tail) {
            self = second
        } else {
            return nil
        }
    }

    private static func isProtective(_ sector: Data) -> Bool {
        let sector = Array(sector)
        return sector.count == 512 && sector[510] == 0x55 && sector[511] == 0xAA
            && stride(from: 446, to: 510, by: 16).contains { sector[$0 + 4] == 0xEE }
    }

    private init?(header: Data, entries: Data) {
        let header = Data(header), entries = Data(entries)
        guard let size = Self.size(header, entries) else { return nil }
        disk = Self.uuid(header, 56)
        partitions = stride(from: 0, to: size.entries, by: Self.entrySize).compactMap { Self.partition(entries, $0) }
    }

    /// Bytes that the header and the entries have; nil where there is no whole table.
    private static func size(_ header: Data, _ entries: Data) -> (header: Int, entries: Int)? {
        guard header.count == 512, header.prefix(8) == Data("EFI PART".utf8) else { return nil }
        let size = Int(value(header, 12, 4)), count = Int(value(header, 80, 4))
        guard 92...512 ~= size, value(header, 84, 4) == entrySize, count <= entries.count / entrySize else {
            return nil
        }
        var plain = header.prefix(size)
        plain.replaceSubrange(16..<20, with: Data(count: 4))
        guard CRC32.of(plain) == UInt32(value(header, 16, 4)),
            CRC32.of(entries.prefix(count * entrySize)) == UInt32(value(header, 88, 4))
        else { return nil }
        return (size, count * entrySize)
    }

    private static func partition(_ entries: Data, _ at: Int) -> Partition? {
        guard entries[at..<at + 16].contains(where: { $0 != 0 }) else { return nil }
        let first = value(entries, at + 32, 8), last = value(entries, at + 40, 8)
        guard first <= last else { return nil }
        let units = (0..<36).map { UInt16(value(entries, at + 56 + $0 * 2, 2)) }.prefix { $0 != 0 }
        return Partition(
            type: uuid(entries, at), id: uuid(entries, at + 16), sectors: first...last,
            name: String(decoding: units, as: UTF16.self))
    }

    /// The first 34 sectors, or the last 33, without some of the partitions; all else in them stays. nil where there is no
    /// whole table.
    static func without(_ isGone: (Partition) -> Bool, head: Data) -> Data? {
        let head = Data(head)
        guard head.count > 1024 else { return nil }
        return without(isGone, Data(head[512..<1024]), Data(head[1024...])).map {
            head.prefix(512) + $0.header + $0.entries
        }
    }

    static func without(_ isGone: (Partition) -> Bool, tail: Data) -> Data? {
        without(isGone, Data(tail.suffix(512)), Data(tail.dropLast(512))).map { $0.entries + $0.header }
    }

    private static func without(
        _ isGone: (Partition) -> Bool, _ header: Data, _ entries: Data
    ) -> (header: Data, entries: Data)? {
        guard let size = size(header, entries) else { return nil }
        var header = header, entries = entries
        for at in stride(from: 0, to: size.entries, by: entrySize) {
            guard let partition = partition(entries, at), isGone(partition) else { continue }
            entries.replaceSubrange(at..<at + entrySize, with: Data(count: entrySize))
        }
        header.replaceSubrange(88..<92, with: little(UInt64(CRC32.of(entries.prefix(size.entries))), 4))
        header.replaceSubrange(16..<20, with: Data(count: 4))
        header.replaceSubrange(16..<20, with: little(UInt64(CRC32.of(header.prefix(size.header))), 4))
        return (header, entries)
    }

    private static func little(_ value: UInt64, _ size: Int) -> Data {
        Data((0..<size).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) })
    }

    private static func value(_ data: Data, _ offset: Int, _ size: Int) -> UInt64 {
        (0..<size).reduce(0) { $0 | UInt64(data[offset + $1]) << UInt64(8 * $1) }
    }

    /// The first three fields are little endian on the disk (appendix A).
    private static let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]

    private static func bytes(_ id: UUID) -> Data {
        let all = unsafe withUnsafeBytes(of: id.uuid) { unsafe Array($0) }
        return Data(order.map { all[$0] })
    }

    static func uuid(_ data: Data, _ offset: Int) -> UUID {
        let b = order.map { data[offset + $0] }
        return UUID(
            uuid: (b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15])
        )
    }
}

/// The checksum of UEFI's tables and of slots' lists of files (ISO 3309).
enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 != 0 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    }

    static func of(_ data: Data) -> UInt32 {
        var running = Running()
        running.take(data)
        return running.value
    }

    /// Of what comes piece by piece.
    struct Running {
        private var state = ~UInt32(0)
        var value: UInt32 { ~state }
        mutating func take(_ data: Data) {
            state = data.reduce(state) { table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ $0 >> 8 }
        }
    }
}
