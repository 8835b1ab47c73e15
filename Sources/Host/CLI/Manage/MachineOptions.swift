import ArgumentParser
import ControlClient
import Foundation

/// Which machine a command is for.
struct MachineOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The machine's link.sock, or a serial line such as /dev/ttyS0. Default: the only machine that runs.",
            valueName: "path"))
    var machineSocket: String?

    func connect() throws -> ControlClient {
        if let machineSocket { return try ControlClient(path: machineSocket) }
        let folder = Self.runFolder
        let clients = Self.sockets(in: folder).compactMap { try? ControlClient(path: $0) }
        if clients.count > 1 { throw ManageError.severalMachines(clients.map(\.path)) }
        guard let client = clients.first else { throw ManageError.noMachine(searched: folder) }
        return client
    }

    /// `.cache/run` of the checkout that BULKHEAD_HOME names, else of the working folder or one above it.
    static var runFolder: String {
        let files = FileManager.default
        if let home = ProcessInfo.processInfo.environment["BULKHEAD_HOME"] { return home + "/.cache/run" }
        var folder = URL(filePath: files.currentDirectoryPath)
        while folder.path != "/", !files.fileExists(atPath: folder.appending(path: ".cache/run").path) {
            folder.deleteLastPathComponent()
        }
        return (folder.path == "/" ? files.currentDirectoryPath : folder.path) + "/.cache/run"
    }

    /// `link.sock` in the folder itself or in one of its folders.
    private static func sockets(in folder: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let paths = ["\(folder)/link.sock"] + names.sorted().map { "\(folder)/\($0)/link.sock" }
        return paths.filter { FileManager.default.fileExists(atPath: $0) }
    }
}
