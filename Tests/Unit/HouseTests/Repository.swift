import Foundation

/// The checkout that these tests are part of: the names of its files, and their text.
struct Repository {
    /// Folders whose files belong to the project.
    static let folders = ["Documentation", "Examples", "Guests", "Sources", "Tests", "Tools"]

    let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..").standardized
    /// Files and folders, relative to the root, sorted.
    let paths: [String]

    init() {
        let manager = FileManager.default
        let top = ((try? manager.contentsOfDirectory(atPath: root.path)) ?? []).filter { $0 != ".git" }
        var found = top
        for folder in Self.folders {
            let inside =
                manager.enumerator(atPath: root.appending(path: folder).path)?.compactMap { $0 as? String } ?? []
            found += inside.map { "\(folder)/\($0)" }
        }
        paths = found.sorted()
    }

    func text(_ path: String) -> String { (try? String(contentsOf: root.appending(path: path), encoding: .utf8)) ?? "" }

    /// All Markdown pages.
    var pages: [String] { paths.filter { $0.hasSuffix(".md") } }

    /// Files of Swift, C and assembly under a folder.
    func code(under folder: String) -> [String] {
        paths.filter { path in
            path.hasPrefix(folder + "/") && [".swift", ".c", ".h", ".S"].contains { path.hasSuffix($0) }
        }
    }

    func isFolder(_ path: String) -> Bool {
        (try? root.appending(path: path).resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory == true
    }

    func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: root.appending(path: path).path) }
}
