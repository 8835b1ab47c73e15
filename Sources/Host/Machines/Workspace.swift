import Foundation
import ManifestFile

/// Where the checkout keeps what the host tools need.
public struct Workspace: Sendable {
    /// The checkout's top folder.
    public let root: URL

    public init(root: URL) { self.root = root }

    /// The checkout that `BULKHEAD_HOME` names (the `bulkhead` script sets it), else the one around the working folder.
    public static func current() throws -> Workspace {
        if let home = ProcessInfo.processInfo.environment["BULKHEAD_HOME"] {
            return Workspace(root: URL(filePath: home, directoryHint: .isDirectory))
        }
        var folder = URL(filePath: FileManager.default.currentDirectoryPath, directoryHint: .isDirectory)
        while true {
            if FileManager.default.fileExists(atPath: folder.appending(path: "Sources/Metal/Hypervisor").path) {
                return Workspace(root: folder)
            }
            let parent = folder.deletingLastPathComponent().standardizedFileURL
            guard parent.path != folder.standardizedFileURL.path, folder.path != "/" else {
                throw MachineError.missing(file: "a Bulkhead checkout", hint: "start the tool by its ./bulkhead script")
            }
            folder = parent
        }
    }

    /// The hypervisor as a UEFI application.
    /// The hypervisor with faults to inject, for the test of what it does about its own.
    public var faultyHypervisor: URL {
        root.appending(path: ".build-metal-faults/x86_64-unknown-none-elf/release/Hypervisor")
    }
    public var hypervisor: URL { root.appending(path: ".build-metal/x86_64-unknown-none-elf/release/Hypervisor") }
    /// Guest images that `Guests/build` made.
    public var guests: URL { cache.appending(path: "guests") }
    /// The manifest of `bulkhead demo`.
    public var demoManifest: String { root.appending(path: "Examples/demo.yaml").path }
    public var compareManifest: String { root.appending(path: "Examples/compare.yaml").path }
    public var benchManifest: String { root.appending(path: "Examples/bench.yaml").path }
    /// Boot volumes and other files that can be made anew at any time.
    public var cache: URL { cacheFolder(of: root) }
}
