import Foundation

/// Files of Linux below a folder: `/` on the machine itself, a recorded tree elsewhere.
struct FileTree {
    let root: String

    func path(_ path: String) -> String { root + "/" + path }

    /// Contents without the line end; nil when it cannot be read.
    func text(_ path: String) -> String? {
        bytes(path).map { String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines) }
    }

    /// At most `limit` bytes of a file; nil for what is none: a recorded tree may have a pipe, which would be waited for.
    func bytes(_ path: String, limit: Int = 1 << 20) -> [UInt8]? {
        let descriptor = unsafe open(self.path(path), O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        var facts = stat()
        guard unsafe fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else { return nil }
        return (try? handle.read(upToCount: limit)).map { Array($0) }
    }

    /// `0x8086` or `12`.
    func number(_ path: String) -> UInt64? {
        guard let text = text(path) else { return nil }
        return text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text)
    }

    /// Hexadecimal without a prefix, as Linux writes some registers.
    func hexadecimal(_ path: String) -> UInt64? { text(path).flatMap { UInt64($0, radix: 16) } }

    func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: self.path(path)) }

    func isRegularFile(_ path: String) -> Bool {
        let attributes = try? FileManager.default.attributesOfItem(atPath: self.path(path))
        return attributes?[.type] as? FileAttributeType == .typeRegular
    }

    func names(_ path: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: self.path(path))) ?? []).sorted()
    }

    /// The last part of what a symbolic link points to.
    func target(_ path: String) -> String? {
        let target = try? FileManager.default.destinationOfSymbolicLink(atPath: self.path(path))
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
