import Foundation

/// Emulated machines that run in this checkout, by their sockets.
public enum RunningMachines {
    /// `run` in the folder that BULKHEAD_CACHE names, `.cache/run` of the checkout that BULKHEAD_HOME names, else of the working folder or one above it.
    public static var folder: String {
        let files = FileManager.default
        // ManifestFile's `cacheFolder` says the same.
        if let cache = ProcessInfo.processInfo.environment["BULKHEAD_CACHE"], !cache.isEmpty { return cache + "/run" }
        if let home = ProcessInfo.processInfo.environment["BULKHEAD_HOME"] { return home + "/.cache/run" }
        var folder = URL(filePath: files.currentDirectoryPath)
        while folder.path != "/", !files.fileExists(atPath: folder.appending(path: ".cache/run").path) {
            folder.deleteLastPathComponent()
        }
        return (folder.path == "/" ? files.currentDirectoryPath : folder.path) + "/.cache/run"
    }

    /// `link.sock` in a folder itself or in one of its folders.
    public static func sockets(in folder: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let paths = ["\(folder)/link.sock"] + names.sorted().map { "\(folder)/\($0)/link.sock" }
        return paths.filter { FileManager.default.fileExists(atPath: $0) }
    }
}
