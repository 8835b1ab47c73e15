import Foundation
import Machines

/// The EFI system partition of another system, mounted as a folder.
public struct SystemPartition {
    /// What firmware and efibootmgr name it by.
    struct Partition: Equatable {
        var disk: String
        var number: Int
        /// As `/dev/disk/by-partuuid` has it; nil where Linux does not say.
        var id: String?
    }
    let folder: URL
    /// nil where the folder is no partition's mount point.
    let partition: Partition?
    /// Has `proc`, `sys` and `dev`.
    private let root: String
    /// What changes the firmware's variables.
    var changer = "efibootmgr"
    public var description: String { folder.path + (partition.map { " (partition \($0.number) of \($0.disk))" } ?? "") }

    /// - Parameter root: the folder that has `proc`, `sys` and `dev`.
    public init(_ path: String, root: String = "") throws {
        folder = URL(filePath: path, directoryHint: .isDirectory).standardizedFileURL
        self.root = root
        var isFolder: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder), isFolder.boolValue
        else {
            throw MachineError.missing(file: path, hint: "name the folder where the EFI system partition is mounted")
        }
        // systemd mounts it when somebody looks into it.
        _ = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
        partition = Self.partition(MountPoint.all(root), folder.resolvingSymlinksInPath().path, root)
    }

    /// The last mount on a folder is the one that is seen; one by systemd's automounter, which lies below, is none of a disk.
    static func partition(_ mounts: [MountPoint], _ path: String, _ root: String) -> Partition? {
        guard let mount = mounts.last(where: { $0.path == path && $0.type != "autofs" }) else { return nil }
        let files = FileManager.default, folder = root + "/sys/dev/block/\(mount.device)"
        guard let text = try? String(contentsOfFile: folder + "/partition", encoding: .utf8),
            let number = Int(text.trimmingCharacters(in: .whitespacesAndNewlines)),
            let parts = try? files.destinationOfSymbolicLink(atPath: folder).split(separator: "/"), parts.count > 1
        else { return nil }
        let ids = root + "/dev/disk/by-partuuid"
        let id = ((try? files.contentsOfDirectory(atPath: ids)) ?? []).first { id in
            (try? files.destinationOfSymbolicLink(atPath: "\(ids)/\(id)"))?.split(separator: "/").last == parts.last
        }
        return Partition(disk: "/dev/" + parts[parts.count - 2], number: number, id: id?.lowercased())
    }

    public func install(_ volume: BootVolumeImage) throws {
        try volume.writeFolder(folder, program: LoaderEntry.program)
    }

    static let label = "Bulkhead"
    private static let loader = "\\" + LoaderEntry.program.replacing("/", with: "\\")

    /// Adds the firmware's boot entry, or takes the one that is there; says by which command where that does not succeed.
    public func addBootEntry(isDefault: Bool) throws -> [String] {
        guard let partition else { return ["note: \(folder.path) is no mounted partition: no boot entry was made"] }
        var arguments = ["-d", partition.disk, "-p", "\(partition.number)", "-L", Self.label, "-l", Self.loader]
        arguments.insert(isDefault ? "-c" : "-C", at: 0)
        do {
            // Where the partition's name is not known, an entry that is there could not be told from another.
            if bootEntries().isEmpty, partition.id != nil { try change(arguments) }
            let number = bootEntries().first
            if !isDefault, let number { try change(["-n", number]) }
            if isDefault, let number, let order = variables()?.order, order.first != number {
                try change(["-o", ([number] + order.filter { $0 != number }).joined(separator: ",")])
            }
            if number != nil { return [] }
        } catch {}
        let words = arguments.map { $0.contains("\\") ? "'\($0)'" : $0 }.joined(separator: " ")
        return ["note: the firmware has no boot entry yet; as root: efibootmgr \(words)"]
    }

    private var variablesFolder: String { root + BootEntries.folder }
    private func variables() -> BootEntries? { BootEntries(variablesFolder) }

    /// The numbers of our entries: this partition and our program, whatever they are called.
    private func bootEntries() -> [String] {
        guard let id = partition?.id else { return [] }
        return variables()?.numbers(of: id, path: Self.loader) ?? []
    }

    private func change(_ arguments: [String]) throws {
        // Where another folder than Linux' own has the variables, efibootmgr takes it from the environment.
        let environment = root.isEmpty ? [:] : ["EFIVARFS_PATH": variablesFolder + "/"]
        try Tool.run(changer, arguments, environment: environment)
    }

    /// Removes the boot entry first: at no moment does it lead to nothing.
    /// - Throws: `MachineError.impossible`, with the files still there, where an entry cannot be removed or is not known.
    public func uninstall() throws -> [String] {
        let files = FileManager.default, ours = ["EFI/BULKHEAD", "BULKHEAD"].map { folder.appending(path: $0) }
        guard ours.contains(where: { files.fileExists(atPath: $0.path) }) else {
            throw MachineError.impossible("\(folder.path) has nothing of Bulkhead's")
        }
        var notes: [String] = []
        if let partition, let variables = variables() {
            guard partition.id != nil else {
                throw MachineError.impossible(
                    "which boot entry is ours is not known: there is no /dev/disk/by-partuuid. Remove it with efibootmgr, and "
                        + "then \(places) by hand. Nothing was changed")
            }
            for number in bootEntries() {
                try? change(["-b", number, "-B"])
                if variables.next == number { try? change(["-N"]) }
                let left = self.variables()
                if let order = left?.order, order.contains(number) {
                    try? change(["-o", order.filter { $0 != number }.joined(separator: ",")])
                }
                guard let left, left.next != number, !bootEntries().contains(number) else {
                    throw MachineError.impossible(
                        "the boot entry cannot be removed, so the files stay; as root: efibootmgr -b \(number) -B")
                }
            }
        } else if partition != nil {
            notes.append(
                "note: this system does not show the firmware's variables: a boot entry, if there is one, stays")
        }
        for place in ours where files.fileExists(atPath: place.path) { try files.removeItem(at: place) }
        return notes
    }

    private var places: String { "\(folder.path)/EFI/BULKHEAD and \(folder.path)/BULKHEAD" }
}
