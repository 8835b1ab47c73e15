import Foundation

/// Files below a folder: Linux's, `/` on the machine itself or a recorded tree elsewhere, or those of a boot volume. Symbolic links
/// are followed as far as they stay below it: a tree is anybody's, and must not show this machine's files in the place of its own.
package struct FileTree: Sendable {
    private let root: String
    /// Where the root really is; nil where it is not.
    private let top: String?

    package init(root: String) {
        self.root = root
        top = Self.locate(root + "/")?.place
    }

    /// Whether this is the machine itself, with its devices.
    package var isMachine: Bool { top == "/" }

    /// A thing that was found but not opened: opening a device can change what it does. Its place is what links lead to.
    private static func locate(_ path: String) -> (handle: FileHandle, place: String, kind: mode_t)? {
        // O_PATH, which is a macro.
        let descriptor = unsafe open(path, 0o10000000 | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        var facts = stat()
        guard unsafe fstat(descriptor, &facts) == 0,
            let place = try? FileManager.default.destinationOfSymbolicLink(atPath: name(of: handle))
        else { return nil }
        return (handle, place, facts.st_mode & S_IFMT)
    }

    /// By which what a descriptor stands for is opened, and nothing else that has its name by now.
    private static func name(of handle: FileHandle) -> String { "/proc/self/fd/\(handle.fileDescriptor)" }

    /// nil for what is not there, or not below the root.
    private func locate(_ path: String) -> (handle: FileHandle, kind: mode_t)? {
        guard let top, let found = Self.locate(root + "/" + path),
            top == "/" || found.place == top || found.place.hasPrefix(top + "/")
        else { return nil }
        return (found.handle, found.kind)
    }

    /// Contents without the line end; nil when it cannot be read.
    package func text(_ path: String) -> String? {
        bytes(path).map { String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines) }
    }

    /// At most `limit` bytes of a file; nil for an empty one, and for what is none.
    package func bytes(_ path: String, limit: Int = 1 << 20) -> [UInt8]? {
        content(path, limit: limit).flatMap { $0.isEmpty ? nil : Array($0) }
    }

    /// At most `limit` bytes of a file; nil for what is none: a tree may have a pipe, which would be waited for.
    package func content(_ path: String, limit: Int) -> Data? {
        guard let file = locate(path), file.kind == S_IFREG else { return nil }
        let descriptor = unsafe open(Self.name(of: file.handle), O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        return try? handle.read(upToCount: limit) ?? Data()
    }

    /// So many bytes of a device at an offset; nil unless this is the machine itself.
    package func device(_ path: String, _ offset: UInt64, count: Int) -> [UInt8]? {
        guard isMachine else { return nil }
        let descriptor = unsafe open("/" + path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: count)
        // The buffer has `count` bytes.
        let got = unsafe bytes.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress, count, off_t(offset)) }
        return got == count ? bytes : nil
    }

    /// `0x8086` or `12`.
    package func number(_ path: String) -> UInt64? {
        guard let text = text(path) else { return nil }
        return text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text)
    }

    /// Hexadecimal without a prefix, as Linux writes some registers.
    package func hexadecimal(_ path: String) -> UInt64? { text(path).flatMap { UInt64($0, radix: 16) } }

    package func exists(_ path: String) -> Bool { locate(path) != nil }

    package func isRegularFile(_ path: String) -> Bool { locate(path)?.kind == S_IFREG }

    package func names(_ path: String) -> [String] {
        guard let folder = locate(path), folder.kind == S_IFDIR else { return [] }
        return ((try? FileManager.default.contentsOfDirectory(atPath: Self.name(of: folder.handle))) ?? []).sorted()
    }

    /// The last part of what a symbolic link points to.
    package func target(_ path: String) -> String? {
        var parts = path.split(separator: "/")
        guard let last = parts.popLast(), let folder = locate(parts.joined(separator: "/")) else { return nil }
        let target = try? FileManager.default.destinationOfSymbolicLink(
            atPath: Self.name(of: folder.handle) + "/" + last)
        return target?.split(separator: "/").last.map(String.init)
    }
}
