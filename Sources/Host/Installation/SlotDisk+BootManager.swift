import Foundation
import Machines

/// The boot manager, which lies on slot a's volume and which no update of a slot touches.
extension SlotDisk {
    static let bootManagerProgram = "EFI/BOOT/BOOTX64.EFI"
    /// Its checksum, as a line of a slot's list.
    private static let bootManagerList = "loader/bulkhead.txt"
    /// Bytes; systemd-boot's has about 100,000.
    private static let largestBootManager = 16 << 20

    static func addBootManager(_ program: URL, to image: String) throws {
        let content = try Data(contentsOf: program)
        try Tool.run("mcopy", ["-o", "-i", image, program.path, "::/\(bootManagerProgram)"])
        let line = SlotLine(checksum: CRC32.of(content), size: content.count, path: bootManagerProgram)
        try put(line.text, bootManagerList, in: image)
        try put("timeout 0\neditor no\n", "loader/loader.conf", in: image)
    }

    /// Whether the boot manager is there as it was written; nil where a disk of older days does not say what it was.
    public func hasBootManager() throws -> Bool? {
        guard let volume = volumes[.a] else { return false }
        return try volume.withCopy { image in
            let lists = try SlotVolume.read([(Self.bootManagerList, 64 << 10)], from: image)
            let line = lists[Self.bootManagerList].map { SlotLine.all($0) }
            let size = min(line?.first??.size ?? .max, Self.largestBootManager)
            let program = try SlotVolume.read([(Self.bootManagerProgram, size)], from: image)[Self.bootManagerProgram]
            guard let program, !program.isEmpty else { return false }
            guard let line else { return nil }
            guard line.count == 1, let only = line[0], only.path == Self.bootManagerProgram else { return false }
            return program.count == only.size && CRC32.of(program) == only.checksum
        }
    }

    /// Writes the boot manager anew, in the place of one that starts nothing any more.
    func repair(_ program: URL?) throws {
        guard let program, FileManager.default.fileExists(atPath: program.path) else {
            throw MachineError.impossible(
                "the boot manager on this disk is damaged, so that nothing starts from it. Install the package systemd-boot-efi, "
                    + "or name systemd-boot's program by --boot-manager. Nothing was written")
        }
        guard let volume = volumes[.a] else { return }
        try volume.change(.remove) { image in
            for path in [Self.bootManagerProgram, Self.bootManagerList, "loader/loader.conf"] {
                _ = try? Tool.run("mdel", ["-i", image, "::/\(path)"])
            }
        }
        try volume.change(.add) { image in
            for folder in ["EFI", "EFI/BOOT", "loader"]
            where (try? Tool.run("mdir", ["-b", "-i", image, "::/\(folder)"])) == nil {
                try Tool.run("mmd", ["-i", image, "::/\(folder)"])
            }
            try Self.addBootManager(program, to: image)
        }
    }
}
