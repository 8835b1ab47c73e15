import ArgumentParser
import ControlClient
import Daemon
import Dispatch
import Foundation
import Logging

/// `bulkheadd`: serves libvirt's clients the partitions of one machine.
@main struct BulkheaddCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bulkheadd",
        abstract: "Serve libvirt's clients (virsh, virt-manager, ...) the partitions of a machine.",
        discussion: """
            It reaches the machine on its management link: link.sock of a running `bulkhead demo`, or a serial line. It \
            prints the URI that clients are given, and runs until it is told to end.
            """)

    @Option(
        help: ArgumentHelp(
            "The machine's link.sock, or a serial line such as /dev/ttyUSB0. Default: the only machine that runs.",
            valueName: "path"))
    var machineSocket: String?
    @Option(
        help: ArgumentHelp("Where the sockets for clients are made (default: beside link.sock).", valueName: "folder"))
    var socketDir: String?
    @Option(
        help: ArgumentHelp(
            "What to type on a guest's console when a client asks it to shut down, for guests that understand it.",
            valueName: "line"))
    var shutdownLine: String?
    @Flag(help: "Say more.") var verbose = false

    func run() throws {
        LoggingSystem.bootstrap(StreamLogHandler.standardError)
        var log = Logger(label: "bulkheadd")
        if verbose { log.logLevel = .debug }
        let path = URL(filePath: try machineSocket ?? Self.runningMachine()).standardizedFileURL
        let folder =
            socketDir ?? (path.path.hasPrefix("/dev/") ? "/run/libvirt" : path.deletingLastPathComponent().path)
        let configuration = DaemonConfiguration(machine: path.path, folder: folder, shutdownLine: shutdownLine)
        let server = try DaemonServer(configuration, log: log)
        print("bulkheadd: virsh -c '\(configuration.uri)' list --all")
        fflush(nil)
        let end = DispatchSemaphore(value: 0)
        let sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { end.signal() }
            source.resume()
            return source
        }
        end.wait()
        sources.forEach { $0.cancel() }
        server.stop()
    }

    private static func runningMachine() throws -> String {
        let folder = RunningMachines.folder
        // A socket that nobody serves any more is left over.
        let paths = RunningMachines.sockets(in: folder).filter { (try? ControlClient(path: $0)) != nil }
        guard let path = paths.first, paths.count == 1 else {
            throw ValidationError(
                (paths.isEmpty ? "no running machine found in \(folder)" : "several machines run")
                    + "; say which with --machine-socket PATH\n" + paths.joined(separator: "\n"))
        }
        return path
    }
}
