import Foundation
import Machines

/// The EFI system partition of another system, mounted as a folder.
public struct SystemPartition {
    let folder: URL
    /// The disk and the partition's number, where the folder is one's mount point.
    let partition: (disk: String, number: Int)?
    public var description: String { folder.path + (partition.map { " (partition \($0.number) of \($0.disk))" } ?? "") }

    /// - Parameter root: the folder that has `proc` and `sys`.
    public init(_ path: String, root: String = "") throws {
        folder = URL(filePath: path, directoryHint: .isDirectory).standardizedFileURL
        var isFolder: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder), isFolder.boolValue
        else {
            throw MachineError.missing(file: path, hint: "name the folder where the EFI system partition is mounted")
        }
        let mounts = (try? String(contentsOfFile: root + "/proc/self/mountinfo", encoding: .utf8)) ?? ""
        partition = Self.partition(mounts, folder.path, root)
    }

    /// From a line `36 35 8:1 / /boot/efi rw - vfat /dev/sda1 rw` (proc(5)).
    private static func partition(_ mounts: String, _ path: String, _ root: String) -> (String, Int)? {
        for line in mounts.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            guard words.count > 5, words[4] == path else { continue }
            let folder = root + "/sys/dev/block/\(words[2])"
            guard let text = try? String(contentsOfFile: folder + "/partition", encoding: .utf8),
                let number = Int(text.trimmingCharacters(in: .whitespacesAndNewlines)),
                let target = try? FileManager.default.destinationOfSymbolicLink(atPath: folder)
            else { return nil }
            let parts = target.split(separator: "/")
            return parts.count > 1 ? ("/dev/" + parts[parts.count - 2], number) : nil
        }
        return nil
    }

    public func install(_ volume: BootVolumeImage) throws {
        try volume.writeFolder(folder, program: LoaderEntry.program)
    }

    static let label = "Bulkhead"

    /// Adds the firmware's boot entry, or says by which command.
    public func addBootEntry(isDefault: Bool) throws -> [String] {
        guard let partition else { return ["note: \(folder.path) is no mounted partition: no boot entry was made"] }
        if try !bootEntries().isEmpty { return [] }
        let loader = "\\" + LoaderEntry.program.replacing("/", with: "\\")
        let arguments = [
            isDefault ? "-c" : "-C", "-d", partition.disk, "-p", "\(partition.number)", "-L", Self.label, "-l", loader,
        ]
        do {
            try Tool.run("efibootmgr", arguments)
            if !isDefault, let number = try bootEntries().first { try Tool.run("efibootmgr", ["-n", number]) }
        } catch {
            return ["note: the firmware has no boot entry yet; as root: efibootmgr \(arguments.joined(separator: " "))"]
        }
        return []
    }

    /// The numbers of our entries: lines `Boot0003* Bulkhead ...`.
    private func bootEntries() throws -> [String] {
        let text = (try? Tool.run("efibootmgr", [])) ?? ""
        return text.matches(of: /(?m)^Boot([0-9A-F]{4})\*? Bulkhead\b/).map { String($0.1) }
    }

    /// Removes the boot entry first: at no moment does it lead to nothing.
    public func uninstall() throws -> [String] {
        var notes: [String] = []
        for number in try bootEntries() {
            do { try Tool.run("efibootmgr", ["-b", number, "-B"]) } catch {
                notes.append("note: the boot entry is still there; as root: efibootmgr -b \(number) -B")
            }
        }
        for name in ["EFI/BULKHEAD", "BULKHEAD"] {
            let place = folder.appending(path: name)
            if FileManager.default.fileExists(atPath: place.path) { try FileManager.default.removeItem(at: place) }
        }
        return notes
    }
}
