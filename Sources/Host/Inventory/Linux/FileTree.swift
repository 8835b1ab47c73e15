import Foundation

/// Files of Linux below a folder: `/` on the machine itself, a recorded tree elsewhere.
struct FileTree {
    let root: String

    func path(_ path: String) -> String { root + "/" + path }

    /// Contents without the line end; nil when it cannot be read.
    func text(_ path: String) -> String? {
        bytes(path).map { String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines) }
    }

    /// At most `limit` bytes.
    func bytes(_ path: String, limit: Int = 1 << 20) -> [UInt8]? {
        guard let handle = FileHandle(forReadingAtPath: self.path(path)) else { return nil }
        defer { try? handle.close() }
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

/// `0-2,5` as Linux writes sets of processors; what is no number is left out.
func processorSet(_ text: String) -> [Int] {
    text.split(separator: ",").flatMap { part -> [Int] in
        let ends = part.split(separator: "-").compactMap { Int($0) }
        guard let first = ends.first, let last = ends.last, first <= last, last < 1 << 16 else { return [] }
        return Array(first...last)
    }
}
