import ArgumentParser
import ControlClient
import Daemon
import Foundation
import Keys
import Logging
import NIOCore
import Policy

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
            "Where definitions are kept, in bulkheadd.sqlite (default: where the sockets are).", valueName: "folder"))
    var stateDir: String?
    @Option(
        help: ArgumentHelp(
            "What to type on a guest's console when a client asks it to shut down, for guests that understand it.",
            valueName: "line"))
    var shutdownLine: String?
    @Option(
        help: ArgumentHelp(
            """
            Serve metrics for Prometheus at http://ADDRESS:PORT/metrics, to whoever reaches it: PORT on this machine \
            alone, or ADDRESS:PORT.
            """, valueName: "address"),
        transform: Self.address)
    var metrics: ListenAddress?
    @Option(
        help: ArgumentHelp(
            """
            Who may do what, in YAML: every user of this machine may then connect. SIGHUP has it read anew.
            """, valueName: "file"))
    var policy: String?
    @Option(
        help: ArgumentHelp(
            """
            Serve clients over TLS too: PORT on this machine alone, or ADDRESS:PORT; libvirt's port is 16514. Goes with --pki and \
            --policy.
            """, valueName: "address"),
        transform: Self.address)
    var tls: ListenAddress?
    @Option(
        help: ArgumentHelp(
            "With --tls: what `bulkhead pki issue --server` has made, the authority's servers/NAME.",
            valueName: "folder"))
    var pki: String?
    @Flag(
        name: .customLong("tls-1.3"),
        help: "With --tls: speak TLS 1.3 too. libvirt's clients before version 12 cannot connect then.")
    var allowsTLS13 = false
    @Flag(help: "Say more.") var verbose = false

    func validate() throws {
        guard (tls == nil) == (pki == nil) else { throw ValidationError("--tls and --pki go together") }
        guard tls != nil || !allowsTLS13 else { throw ValidationError("--tls-1.3 goes with --tls") }
        guard tls == nil || policy != nil else {
            throw ValidationError("--tls needs a --policy: a certificate says who a client is, not what it may do")
        }
    }

    func run() throws {
        // Sockets, definitions and their journals are this user's alone.
        umask(0o077)
        Self.raiseDescriptorLimit()
        LoggingSystem.bootstrap(StreamLogHandler.standardError)
        var log = Logger(label: "bulkheadd")
        if verbose { log.logLevel = .debug }
        let path = URL(filePath: try machineSocket ?? Self.runningMachine()).standardizedFileURL
        let folder =
            socketDir ?? (path.path.hasPrefix("/dev/") ? "/run/libvirt" : path.deletingLastPathComponent().path)
        var configuration = DaemonConfiguration(
            machine: path.path, folder: folder, state: stateDir, shutdownLine: shutdownLine)
        configuration.metrics = metrics
        configuration.policy = try policy.map { try readPolicy($0, log) }
        if let tls, let pki {
            configuration.tls = TLSOptions(address: tls, folder: pki, allows13: allowsTLS13)
        }
        // Blocked before there are other threads, they wait until they are asked for: none is lost while the daemon starts.
        var end = sigset_t()
        unsafe sigemptyset(&end)
        for number in [SIGINT, SIGTERM, SIGHUP] { unsafe sigaddset(&end, number) }
        _ = unsafe pthread_sigmask(SIG_BLOCK, &end, nil)
        let server: DaemonServer
        do { server = try DaemonServer(configuration, log: log) } catch let error as KeyError {
            throw ValidationError(error.reason)
        }
        print("bulkheadd: virsh -c '\(configuration.uri)' list --all")
        if let tls = server.served { print("bulkheadd: TLS on \(tls.ipAddress ?? "?"), port \(tls.port ?? 0)") }
        if let metrics = server.metrics { print("bulkheadd: metrics on \(metrics)") }
        fflush(nil)
        var number: Int32 = 0
        repeat {
            _ = unsafe sigwait(&end, &number)
            guard number == SIGHUP, let policy else { continue }
            readAnew(policy, server, log)
            if let tls = configuration.tls {
                do { try server.renewTLS(tls, log: log) } catch {
                    log.error("TLS is left as it is: \((error as? KeyError)?.reason ?? "\(error)")")
                }
            }
        } while number == SIGHUP && policy != nil
        server.stop()
    }

    /// One with a fault changes nothing.
    private func readAnew(_ path: String, _ server: DaemonServer, _ log: Logger) {
        do { server.use(try readPolicy(path, log)) } catch { log.error("the policy is left as it is: \(error)") }
    }

    private func readPolicy(_ path: String, _ log: Logger) throws -> Policy {
        let policy = try Policy(contentsOf: path)
        if !policy.unknownUsers.isEmpty {
            log.warning("the policy gives rights to \(policy.unknownUsers), whom this machine does not have")
        }
        return policy
    }

    private static func address(_ text: String) throws -> ListenAddress {
        guard let address = ListenAddress(text) else {
            throw ValidationError(
                "\"\(text)\" is no port and no address with one: 9100, 127.0.0.1:9100 or [::1]:9100, say.")
        }
        return address
    }

    /// Each client takes a descriptor: as many as the system allows without asking.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        // The structure is one of the call's own kind.
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
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
