import Foundation

/// Files of Linux below a folder: `/` on the machine itself, a recorded tree elsewhere. Symbolic links are followed as far as they
/// stay below it: a recorded tree is anybody's, and must not show this machine's files in the place of its own.
struct FileTree {
    private let root: String
    /// Where the root really is; nil where it is not.
    private let top: String?

    init(root: String) {
        self.root = root
        top = Self.locate(root + "/")?.place
    }

    /// Whether this is the machine itself, with its devices.
    var isMachine: Bool { top == "/" }

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
    func text(_ path: String) -> String? {
        bytes(path).map { String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines) }
    }

    /// At most `limit` bytes of a file; nil for what is none: a recorded tree may have a pipe, which would be waited for.
    func bytes(_ path: String, limit: Int = 1 << 20) -> [UInt8]? {
        guard let file = locate(path), file.kind == S_IFREG else { return nil }
        let descriptor = unsafe open(Self.name(of: file.handle), O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        return (try? handle.read(upToCount: limit)).map { Array($0) }
    }

    /// So many bytes of a device at an offset; nil unless this is the machine itself.
    func device(_ path: String, _ offset: UInt64, count: Int) -> [UInt8]? {
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
    func number(_ path: String) -> UInt64? {
        guard let text = text(path) else { return nil }
        return text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text)
    }

    /// Hexadecimal without a prefix, as Linux writes some registers.
    func hexadecimal(_ path: String) -> UInt64? { text(path).flatMap { UInt64($0, radix: 16) } }

    func exists(_ path: String) -> Bool { locate(path) != nil }

    func isRegularFile(_ path: String) -> Bool { locate(path)?.kind == S_IFREG }

    func names(_ path: String) -> [String] {
        guard let folder = locate(path), folder.kind == S_IFDIR else { return [] }
        return ((try? FileManager.default.contentsOfDirectory(atPath: Self.name(of: folder.handle))) ?? []).sorted()
    }

    /// The last part of what a symbolic link points to.
    func target(_ path: String) -> String? {
        var parts = path.split(separator: "/")
        guard let last = parts.popLast(), let folder = locate(parts.joined(separator: "/")) else { return nil }
        let target = try? FileManager.default.destinationOfSymbolicLink(
            atPath: Self.name(of: folder.handle) + "/" + last)
        return target?.split(separator: "/").last.map(String.init)
    }
}

/// `0-2,5` as Linux writes sets of processors, in rising order; what is no number is left out. Linux has 8,192 at the most
/// (`NR_CPUS`).
func processorSet(_ text: String) -> [Int] {
    var set: Set<Int> = []
    for part in text.split(separator: ",").prefix(8192) {
        let ends = part.split(separator: "-").compactMap { Int($0) }
        guard let first = ends.first, let last = ends.last, 0 <= first, first <= last, last < 8192 else { continue }
        set.formUnion(first...last)
        // All there are.
        if set.count == 8192 { break }
    }
    return set.sorted()
}
