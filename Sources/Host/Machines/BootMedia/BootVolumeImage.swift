import Foundation

/// What the firmware starts the hypervisor from: `\EFI\BOOT\BOOTX64.EFI`, `\BULKHEAD\manifest.cbor` and the images.
public struct BootVolumeImage: Sendable {
    /// One image: where the manifest finds it below `\BULKHEAD`, and the file of the host that it is a copy of.
    public struct Image: Hashable, Sendable {
        public var path: String
        public var source: URL
        public init(path: String, source: URL) {
            self.path = path
            self.source = source
        }
    }

    public var hypervisor: URL
    /// The compiled manifest.
    public var manifest: [UInt8]
    public var images: [Image]
    /// A UEFI application in the hypervisor's place, which stands for firmware and starts `\EFI\BOOT\BULKHEAD.EFI`.
    public var firmware: URL?

    public init(hypervisor: URL, manifest: [UInt8], images: [Image]) {
        self.hypervisor = hypervisor
        self.manifest = manifest
        var seen: Set<Image> = []
        self.images = images.filter { seen.insert($0).inserted }
    }

    /// Makes `file` a FAT file system with this content (mtools; no privileges needed). Does nothing when the file was
    /// made from the same inputs before; they are told apart by path, size and time of change.
    /// - Returns: whether it was written.
    @discardableResult
    public func writeImage(to file: URL) throws -> Bool {
        let file = try SafeFile.target(file)
        let print = try fingerprint()
        let stamp = file.appendingPathExtension("inputs")
        if FileManager.default.fileExists(atPath: file.path), (try? String(contentsOf: stamp, encoding: .utf8)) == print
        {
            return false
        }
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try SafeFile.requireRoom(UInt64(try fileSystemSize()), in: file.deletingLastPathComponent())
        try? FileManager.default.removeItem(at: stamp)
        try SafeFile.replace(file) { try writeFileSystem(to: $0) }
        try print.write(to: stamp, atomically: true, encoding: .utf8)
        return true
    }

    /// Copies the content into a folder, for a real machine's EFI system partition.
    /// - Parameter mayBeUnsigned: whether a hypervisor without an owner's key may take the place of one that has it.
    /// - Throws: `MachineError.impossible` where another system's boot loader is: firmware would start the hypervisor
    ///   instead, which must be a decision; as the loss of an owner's key must.
    public func writeFolder(_ folder: URL, mayBeUnsigned: Bool = false) throws {
        let loader = folder.appending(path: "EFI/BOOT/BOOTX64.EFI")
        let ours = folder.appending(path: "BULKHEAD/manifest.cbor")
        if FileManager.default.fileExists(atPath: loader.path), !FileManager.default.fileExists(atPath: ours.path) {
            throw MachineError.impossible("\(loader.path) is another system's boot loader; move it away first")
        }
        if !mayBeUnsigned, OwnerSection.key(of: loader) != nil, OwnerSection.key(of: hypervisor) == nil {
            throw MachineError.impossible(
                "\(loader.path) starts nothing but what its owner has signed; the new system is not signed, and would start any "
                    + "manifest. Sign it with --keys, or say --unsigned. Nothing was changed")
        }
        // Each new file lies beside the old one until it is whole; the largest cluster of FAT is rounded up to.
        let size = try files.reduce(manifest.count) { try $0 + Self.attributes($1.source).size + 65_536 }
        try SafeFile.requireRoom(UInt64(size), in: folder)
        for (path, source) in files.reversed() {
            let target = folder.appending(path: path)
            try FileManager.default.createDirectory(
                at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
            let content = source.resolvingSymlinksInPath()
            try SafeFile.replace(target) { try FileManager.default.copyItem(at: content, to: $0) }
        }
        try FileManager.default.createDirectory(
            at: ours.deletingLastPathComponent(), withIntermediateDirectories: true)
        try SafeFile.replace(ours) { try Data(manifest).write(to: $0) }
    }

    /// Every file but the manifest: its path on the volume and what it is a copy of.
    package var files: [(path: String, source: URL)] {
        let symbols = hypervisor.appendingPathExtension("symbols")
        let hasSymbols = FileManager.default.fileExists(atPath: symbols.path)
        let programs =
            firmware.map { [("EFI/BOOT/BOOTX64.EFI", $0), ("EFI/BOOT/BULKHEAD.EFI", hypervisor)] }
            ?? [("EFI/BOOT/BOOTX64.EFI", hypervisor)]
        return programs + (hasSymbols ? [("BULKHEAD/symbols.bin", symbols)] : [])
            + images.map { ("BULKHEAD/" + $0.path, $0.source) }
    }

    /// Bytes, whole mebibytes: the content, and room for directories and rounding.
    func fileSystemSize() throws -> Int {
        let content = try files.reduce(manifest.count) { try $0 + Self.attributes($1.source).size + 16384 }
        return ((max(content + (4 << 20), 40 << 20) + (1 << 20) - 1) >> 20) << 20
    }

    private func writeFileSystem(to file: URL) throws {
        let size = try fileSystemSize()
        // 8 KiB clusters keep volumes from 32 MiB to 512 MiB within FAT16.
        let clusterSectors = size < 480 << 20 ? 16 : 64
        // An initial RAM disk may hold a key: what is copied is no less private than the original.
        let mode: [FileAttributeKey: Any] = [.posixPermissions: 0o600]
        guard FileManager.default.createFile(atPath: file.path, contents: nil, attributes: mode) else {
            throw MachineError.missing(file: file.path, hint: "it cannot be created")
        }
        let handle = try FileHandle(forWritingTo: file)
        try handle.truncate(atOffset: UInt64(size))
        try handle.close()
        try Tool.run("mformat", ["-i", file.path, "-c", "\(clusterSectors)", "-v", "BULKHEAD", "-N", "42554C4B", "::"])

        let manifestFile = file.appendingPathExtension("manifest")
        defer { try? FileManager.default.removeItem(at: manifestFile) }
        try Data(manifest).write(to: manifestFile)
        var folders: [String] = []
        for (path, _) in files + [("BULKHEAD/manifest.cbor", manifestFile)] {
            var folder = (path as NSString).deletingLastPathComponent
            var missing: [String] = []
            while !folder.isEmpty, !folders.contains(folder) {
                missing.insert(folder, at: 0)
                folder = (folder as NSString).deletingLastPathComponent
            }
            folders += missing
        }
        try Tool.run("mmd", ["-i", file.path] + folders.map { "::" + $0 })
        for (path, source) in files + [("BULKHEAD/manifest.cbor", manifestFile)] {
            try Tool.run("mcopy", ["-o", "-i", file.path, source.path, "::" + path])
        }
    }

    private static func attributes(_ file: URL) throws -> (size: Int, changed: Double) {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: file.resolvingSymlinksInPath().path),
            let size = attributes[.size] as? Int, let date = attributes[.modificationDate] as? Date
        else { throw MachineError.missing(file: file.path, hint: "build it first (./bulkhead builds what it can)") }
        return (size, date.timeIntervalSince1970)
    }

    private func fingerprint() throws -> String {
        var lines = ["manifest \(manifest.map { String($0, radix: 16) }.joined(separator: " "))"]
        for (path, source) in files {
            let (size, changed) = try Self.attributes(source)
            lines.append("\(path) \(source.path) \(size) \(changed)")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
