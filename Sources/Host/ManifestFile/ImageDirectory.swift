import Foundation
import Manifest

/// Where files are kept that can be made anew: where BULKHEAD_CACHE says, else the checkout's `.cache`. An installed tool's own
/// folder is root's.
package func cacheFolder(of root: URL) -> URL {
    if let folder = ProcessInfo.processInfo.environment["BULKHEAD_CACHE"], !folder.isEmpty {
        return URL(filePath: folder, directoryHint: .isDirectory)
    }
    return root.appending(path: ".cache")
}

/// Where the images that a manifest names are looked for.
public enum ImageSource: Sendable {
    /// `.cache/images` and then `.cache/guests` (where `Guests/build` puts them) of the current checkout.
    case checkout
    /// This folder and no other.
    case folder(String)
    /// These folders in their order and, where the second value says so, then those of `checkout`.
    case search([String], thenCheckout: Bool)
    /// Nowhere: images are not checked.
    case unchecked

    /// The folders in the order of the search.
    public var folders: [URL] {
        switch self {
        case .checkout:
            let cache = cacheFolder(of: checkoutRoot())
            return [cache.appending(path: "images"), cache.appending(path: "guests")]
        case .search(let paths, let thenCheckout):
            let own = paths.map { URL(filePath: $0, directoryHint: .isDirectory) }
            return own + (thenCheckout ? Self.checkout.folders : [])
        case .folder(let path): return [URL(filePath: path, directoryHint: .isDirectory)]
        case .unchecked: return []
        }
    }

    /// The file for an image's path, or why there is none.
    public func locate(_ path: String) throws(ImageMissing) -> URL {
        for folder in folders {
            let file = folder.appending(path: path)
            guard FileManager.default.fileExists(atPath: file.path) else { continue }
            let facts = try? file.resolvingSymlinksInPath().resourceValues(forKeys: [.isRegularFileKey, .fileSizeKey])
            guard facts?.isRegularFile == true else { throw ImageMissing(reason: "\(file.path) is not a file") }
            guard FileManager.default.isReadableFile(atPath: file.path) else {
                throw ImageMissing(reason: "\(file.path) cannot be read")
            }
            guard let size = facts?.fileSize, size > 0 else { throw ImageMissing(reason: "\(file.path) is empty") }
            return file
        }
        let places = folders.map(\.relativePath).joined(separator: " or ")
        throw ImageMissing(reason: "the image \(quoted(path)) is not in \(places)", hint: hint(path))
    }

    private func hint(_ path: String) -> String {
        let names = folders.flatMap { (try? FileManager.default.contentsOfDirectory(atPath: $0.path)) ?? [] }
        if names.isEmpty { return "make the guest images with Guests/build, or name their folder by --images DIR" }
        if let near = suggestion(for: path, among: names) { return "did you mean \"\(near)\"?" }
        return "name another folder by --images DIR"
    }
}

/// An image that the boot volume cannot be given.
public struct ImageMissing: Error, Sendable {
    public var reason: String
    public var hint: String?
}

/// The checkout that `BULKHEAD_HOME` names (the `bulkhead` script sets it), else the one around the working folder, else
/// the working folder.
func checkoutRoot() -> URL {
    if let home = ProcessInfo.processInfo.environment["BULKHEAD_HOME"], !home.isEmpty {
        return URL(filePath: home, directoryHint: .isDirectory)
    }
    let start = URL(filePath: FileManager.default.currentDirectoryPath, directoryHint: .isDirectory)
    var folder = start
    while !FileManager.default.fileExists(atPath: folder.appending(path: "Sources/Metal/Hypervisor").path) {
        let parent = folder.deletingLastPathComponent().standardizedFileURL
        guard parent.path != folder.standardizedFileURL.path, folder.path != "/" else { return start }
        folder = parent
    }
    return folder
}
