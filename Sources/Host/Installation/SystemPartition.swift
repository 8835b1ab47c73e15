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

    static let label = "Bulkhead"

    /// As firmware and boot entries have it.
    private static func loader(_ program: String) -> String { "\\" + program.replacing("/", with: "\\") }

    /// A boot entry of a slot tells the program by a letter where its files are.
    private func creation(_ slot: Slot, _ partition: Partition) -> [String] {
        [
            "-d", partition.disk, "-p", "\(partition.number)", "-L", "\(Self.label) \(slot.rawValue)", "-l",
            Self.loader(SystemSlots.program(slot)), "-u", slot.rawValue,
        ]
    }

    /// Adds the firmware's boot entry of a slot, or takes the one that is there; says by which command where that does not succeed.
    func addBootEntry(_ slot: Slot, isDefault: Bool) throws -> [String] {
        guard let partition else { return ["note: \(folder.path) is no mounted partition: no boot entry was made"] }
        do {
            // Where the partition's name is not known, an entry that is there could not be told from another.
            if partition.id != nil {
                let number = try entry(slot)
                if isDefault {
                    let order = variables()?.order ?? []
                    try change(["-o", ([number] + order.filter { $0 != number }).joined(separator: ",")])
                } else {
                    try startOnce(number)
                }
                return []
            }
        } catch {}
        let words = ([isDefault ? "-c" : "-C"] + creation(slot, partition)).map {
            $0.contains { "\\ ".contains($0) } ? "'\($0)'" : $0
        }
        return ["note: the firmware has no boot entry yet; as root: efibootmgr \(words.joined(separator: " "))"]
    }

    private var variablesFolder: String { root + BootEntries.folder }
    func variables() -> BootEntries? { BootEntries(variablesFolder) }

    /// Slots are chosen by the firmware's variables.
    func requireVariables() throws(MachineError) {
        guard partition?.id != nil, variables() != nil else {
            throw .impossible(
                "\(folder.path): the firmware's boot entries cannot be changed from here, which is how a slot is chosen: say it in the "
                    + "machine's own Linux, started by UEFI, with the partition mounted. Nothing was changed")
        }
    }

    /// The boot entries of a program on this partition, whatever they are called.
    private func entries(_ program: String) -> [BootEntries.Entry] {
        guard let id = partition?.id else { return [] }
        return variables()?.entries(of: id, path: Self.loader(program)) ?? []
    }

    /// The numbers of the boot entries that start a slot: its program, told that slot's letter.
    func numbers(_ slot: Slot) -> [String] {
        entries(SystemSlots.program(slot)).filter { $0.gives(slot) }.map(\.number)
    }

    /// Of those that start its program with the files of another slot, or of none.
    private func misled(_ slot: Slot) -> [String] {
        entries(SystemSlots.program(slot)).filter { !$0.gives(slot) }.map(\.number)
    }

    /// The number of a slot's boot entry, which is made where there is none, and switched on where somebody has switched it off.
    func entry(_ slot: Slot) throws -> String {
        let found = entries(SystemSlots.program(slot)).filter { $0.gives(slot) }
        if let entry = found.first(where: \.isActive) ?? found.first {
            if !entry.isActive { try change(["-b", entry.number, "-a"]) }
            return entry.number
        }
        guard let partition else { throw MachineError.impossible("\(folder.path) is no mounted partition") }
        try change(["-C"] + creation(slot, partition))
        guard let number = numbers(slot).first else {
            throw MachineError.impossible("the firmware has not kept the boot entry of slot \(slot.rawValue)")
        }
        return number
    }

    func startOnce(_ number: String) throws { try change(["-n", number]) }

    /// Where there is no entry 0001, efibootmgr up to version 18 refuses `-N`: it takes the switch for a number. Linux has
    /// `BootNext` removed like a file.
    private func startNothingOnce() throws {
        do { try change(["-N"]) } catch {
            guard (try? BootEntries.removeNext(in: variablesFolder)) != nil else { throw error }
        }
    }

    /// Has the firmware start a slot no more: where it would, it starts the other one.
    func leave(_ slot: Slot, for other: Slot?) throws {
        guard let variables = variables() else { return }
        let old = numbers(slot) + misled(slot) + misled(slot.other)
        if let next = variables.next, old.contains(next) { try startNothingOnce() }
        guard let at = variables.order.firstIndex(where: { old.contains($0) }) else { return }
        let new = try other.map { try entry($0) }
        var order = variables.order
        if let new { order[at] = new }
        order = order.enumerated().filter { $0 == at && new != nil || !old.contains($1) && $1 != new }.map(\.element)
        try change(order.isEmpty ? ["-O"] : ["-o", order.joined(separator: ",")])
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
            // Of older days, with one slot, too.
            let programs = [LoaderEntry.program] + Slot.allCases.map(SystemSlots.program)
            for number in programs.flatMap({ entries($0).map(\.number) }) {
                try? change(["-b", number, "-B"])
                if variables.next == number { try? startNothingOnce() }
                let left = self.variables()
                if let order = left?.order, order.contains(number) {
                    try? change(["-o", order.filter { $0 != number }.joined(separator: ",")])
                }
                guard let left, left.next != number, !left.entries.contains(where: { $0.number == number })
                else {
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
