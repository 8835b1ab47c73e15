import Foundation
import Machines
import ManifestRules

/// What is on a disk that is to be overwritten, and who uses it.
public struct DiskFacts: Sendable {
    /// For people: size, model, what the partitions are called.
    public var description: String
    /// Why it must not be overwritten; nil: it may.
    public var obstacle: String?
    /// Whether something is on it that `install` has not made.
    public var isForeign: Bool

    /// - Parameter root: the folder that has `proc` and `sys`.
    public init(_ file: SectorFile, root: String = "") throws {
        let content = try DiskContent(file)
        isForeign = content.isForeign
        var model: String?
        if file.isDisk {
            let user = DiskUser(device: file.facts.st_rdev, root)
            (obstacle, model) = (user.words, user.model)
        } else {
            obstacle = DiskUser.loop(of: file.path, root)
        }
        let kind = model.map { ", \(printable($0))" } ?? ""
        description = printable("\(file.path)\(kind), \(file.size >> 20) MiB, has \(content.words)")
    }

    /// Opens a disk before anything is asked of it, so that what is found is what will be written. One that is in use is refused
    /// with the name of its user.
    /// - Parameter isWritable: whether it is only to be looked at.
    public static func open(_ path: String, isWritable: Bool, root: String = "") throws -> (SectorFile, DiskFacts) {
        do {
            let file = try SectorFile(path, isWritable: isWritable)
            let facts = try DiskFacts(file, root: root)
            if let obstacle = facts.obstacle { throw MachineError.impossible("\(facts.description): \(obstacle)") }
            return (file, facts)
        } catch {
            guard isWritable, let reader = try? SectorFile(path, isWritable: false),
                let facts = try? DiskFacts(reader, root: root), let obstacle = facts.obstacle
            else { throw error }
            throw MachineError.impossible("\(facts.description): \(obstacle)")
        }
    }
}

/// What lies on a disk.
struct DiskContent {
    /// What its partitions are called, at most eight of them.
    let words: String
    let isForeign: Bool

    /// Bytes at the start that are looked at: every file system, volume manager and RAID has said who it is there (Btrfs comes
    /// last, at 64 KiB; with ZFS's second label 512 KiB are full).
    static let head = 4 << 20
    /// And at the end: RAID's old formats, ZFS, the second partition table.
    static let tail = 1 << 20

    init(_ device: any SectorDevice) throws {
        let size = Int(clamping: device.size)
        let head = try device.read(0, min(Self.head, size))
        let tail = try device.read(UInt64(max(size - Self.tail, 0)), min(Self.tail, size))
        let last = tail.suffix(Int(GPT.tailSectors) * GPT.sectorSize), table = GPT(head: head, tail: last)
        // What is left of a table names what may have been there; it does not make what is there ours.
        let partitions = (table ?? GPT(tail: last))?.partitions ?? []
        let isOurs = table != nil && !partitions.isEmpty && partitions.allSatisfy(\.isOurs)
        isForeign = !isOurs && (head != Data(count: head.count) || tail != Data(count: tail.count))
        let names = partitions.prefix(8).map {
            $0.name.isEmpty ? "a partition without a name" : "\"\(printable($0.name))\""
        }
        let more = partitions.count > 8 ? ["\(partitions.count - 8) more"] : []
        words =
            isOurs
            ? "slots of Bulkhead's"
            : isForeign ? (names.isEmpty ? "something else" : (names + more).joined(separator: ", ")) : "nothing"
    }
}
