import Foundation
import ManifestRules

/// Who uses a disk, as Linux says it: mounted, used for swapping, or held by something such as LVM or RAID.
struct DiskUser {
    /// Why it must not be overwritten; nil: it may.
    let words: String?
    let model: String?

    /// - Parameters:
    ///   - device: its number.
    ///   - root: the folder that has `proc` and `sys`.
    init(device: dev_t, _ root: String) {
        // As makedev(3) packs them.
        let major = device >> 8 & 0xFFF | device >> 32 & 0xFFFF_F000
        let minor = device & 0xFF | device >> 12 & 0xFFFF_FF00
        self.init(number: "\(major):\(minor)", root)
    }

    /// - Parameter number: `8:0`.
    init(number: String, _ root: String) {
        let files = FileManager.default
        func text(_ path: String) -> String? {
            (try? String(contentsOfFile: root + path, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        func names(_ path: String) -> [String] {
            ((try? files.contentsOfDirectory(atPath: root + path)) ?? []).sorted()
        }
        let folder = "/sys/dev/block/\(number)"
        let target = (try? files.destinationOfSymbolicLink(atPath: root + folder)) ?? ""
        let name = target.split(separator: "/").last.map(String.init) ?? ""
        model = text("\(folder)/device/model")
        guard text("\(folder)/partition") == nil else {
            words = "it is a partition; name the disk"
            return
        }
        let inside = names(folder).filter { text("\(folder)/\($0)/partition") != nil }
        // Each by its name, its number and where it is in sysfs.
        let all =
            [(name, number, folder)]
            + inside.map { ($0, text("\(folder)/\($0)/dev") ?? "", "\(folder)/\($0)") }
        for mount in MountPoint.all(root) {
            for one in all where mount.device == one.1 || mount.source == "/dev/" + one.0 {
                words = "/dev/\(one.0) is mounted on \(printable(mount.path))"
                return
            }
        }
        let swaps = text("/proc/swaps") ?? ""
        for one in all where swaps.contains("/dev/\(one.0) ") || swaps.contains("/dev/\(one.0)\t") {
            words = "/dev/\(one.0) is used for swapping"
            return
        }
        for one in all {
            if let holder = names("\(one.2)/holders").first {
                words = "/dev/\(one.0) is used by \(printable(holder))"
                return
            }
        }
        words = nil
    }

    /// Whether a file is the disk that a loop device shows; nil: it is not.
    static func loop(of path: String, _ root: String) -> String? {
        let own = URL(filePath: path).resolvingSymlinksInPath().path
        let folder = root + "/sys/block"
        for name in ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted() {
            let file = try? String(contentsOfFile: "\(folder)/\(name)/loop/backing_file", encoding: .utf8)
            if file?.trimmingCharacters(in: .newlines) == own { return "/dev/\(name) shows it as a disk" }
        }
        return nil
    }
}

/// A line of `/proc/self/mountinfo` (proc(5)): `36 35 8:1 / /boot/efi rw - vfat /dev/sda1 rw`.
struct MountPoint: Equatable {
    /// `8:1`; some file systems have a number of their own.
    var device: String
    var path: String
    var type: String
    var source: String

    init?(_ line: String) {
        let words = line.split(separator: " ").map { Self.plain(String($0)) }
        guard words.count > 5, let dash = words[5...].firstIndex(of: "-"), dash + 2 < words.count else { return nil }
        (device, path, type, source) = (words[2], words[4], words[dash + 1], words[dash + 2])
    }

    static func all(_ root: String) -> [MountPoint] {
        let text = (try? Data(contentsOf: URL(filePath: root + "/proc/self/mountinfo"))) ?? Data()
        return String(decoding: text, as: UTF8.self).split(separator: "\n").compactMap { MountPoint(String($0)) }
    }

    /// Spaces and the like are written as `\040`.
    private static func plain(_ word: String) -> String {
        guard word.contains("\\") else { return word }
        var bytes: [UInt8] = [], rest = Array(word.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3,
                let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
            {
                bytes.append(code)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
