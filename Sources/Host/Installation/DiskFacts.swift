import Foundation
import Machines

/// What is on a disk that is to be overwritten, and who uses it.
public struct DiskFacts: Sendable {
    /// For people: size, model, what the partitions are called.
    public var description: String
    /// Why it must not be overwritten; nil: it may.
    public var obstacle: String?
    /// Whether something is on it that `install` has not made.
    public var isForeign: Bool

    /// - Parameter root: the folder that has `proc` and `sys`.
    public init(_ path: String, root: String = "") throws {
        var facts = stat()
        guard unsafe stat(path, &facts) == 0 else {
            throw MachineError.missing(
                file: path, hint: "name a disk such as /dev/sdb, or a file that is the image of one")
        }
        let kind = facts.st_mode & S_IFMT
        guard kind == S_IFBLK || kind == S_IFREG else {
            throw MachineError.impossible("\(path) is neither a disk nor a file")
        }
        let isDisk = kind == S_IFBLK
        let size = try SectorFile(path, isWritable: false).size
        let head = try SectorFile(path, isWritable: false).read(0, 34 * 512)
        let table = GPT(head: head)
        let names = (table?.partitions ?? []).map { $0.name.isEmpty ? "a partition without a name" : "\"\($0.name)\"" }
        let ours = Set(SlotDisk.names.values)
        let isOurs =
            table.map { !$0.partitions.isEmpty && $0.partitions.allSatisfy { ours.contains($0.name) } } ?? false
        isForeign = !isOurs && head.contains { $0 != 0 }
        let name = URL(filePath: path).resolvingSymlinksInPath().lastPathComponent
        func text(_ file: String) -> String? {
            (try? String(contentsOfFile: root + "/sys/class/block/\(name)/\(file)", encoding: .utf8))?
                .trimmingCharacters(in: .whitespacesAndNewlines)
        }
        let model = isDisk ? text("device/model").map { ", \($0)" } ?? "" : ""
        let content =
            isOurs
            ? "slots of Bulkhead's"
            : isForeign ? (names.isEmpty ? "something else" : names.joined(separator: ", ")) : "nothing"
        description = "\(path)\(model), \(size >> 20) MiB, has \(content)"
        obstacle = isDisk ? Self.use(of: name, root, isPartition: text("partition") != nil) : nil
    }

    /// Mounted, used for swapping, or held by something such as LVM or RAID; a partition rather than a disk.
    private static func use(of name: String, _ root: String, isPartition: Bool) -> String? {
        if isPartition { return "it is a partition; name the disk" }
        let folder = root + "/sys/class/block/\(name)"
        let inside = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter {
            FileManager.default.fileExists(atPath: "\(folder)/\($0)/partition")
        }
        let all = [name] + inside
        let mounts = (try? String(contentsOfFile: root + "/proc/self/mounts", encoding: .utf8)) ?? ""
        for line in mounts.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count > 1, let device = words[0].split(separator: "/").last.map(String.init) else { continue }
            if all.contains(device), words[0].hasPrefix("/dev/") { return "\(words[0]) is mounted on \(words[1])" }
        }
        let swaps = (try? String(contentsOfFile: root + "/proc/swaps", encoding: .utf8)) ?? ""
        for one in all where swaps.contains("/dev/\(one) ") { return "/dev/\(one) is used for swapping" }
        for one in all {
            let holders = "\(root)/sys/class/block/\(one)/holders"
            if let holder = (try? FileManager.default.contentsOfDirectory(atPath: holders))?.first {
                return "/dev/\(one) is used by \(holder)"
            }
        }
        return nil
    }
}
