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
            prints the URI that clients are given, and runs until it is told to end. Options can stand in a file, which \
            --config names; what is said here goes before it.

              bulkheadd --config /etc/bulkhead/bulkheadd.yaml --check

            Exit codes: 0 it was told to end, or --check has found nothing; 1 it cannot serve; 2 the configuration, the policy or \
            what TLS needs is not good; 64 the command line is wrong.
            """)

    @Option(
        help: ArgumentHelp(
            "These options, one a line: `policy: policy.yaml`. Paths in it begin in its folder.", valueName: "file"))
    var config: String?
    @Flag(help: "Only say whether all that it would be started with is good.") var check = false
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

    func run() throws {
        // Sockets, definitions and their journals are this user's alone.
        umask(0o077)
        Self.raiseDescriptorLimit()
        LoggingSystem.bootstrap(StreamLogHandler.standardError)
        var log = Logger(label: "bulkheadd")
        let settings = try settings()
        if settings.isVerbose == true { log.logLevel = .debug }
        if check {
            try judged { try DaemonServer.check(try served(settings, machine: "", log), log: log) }
            print("bulkheadd: all of it is good")
            return
        }
        let machine = try settings.machineSocket ?? Self.runningMachine()
        let configuration = try judged { try served(settings, machine: machine, log) }
        // Blocked before there are other threads, they wait until they are asked for: none is lost while the daemon starts.
        var end = sigset_t()
        unsafe sigemptyset(&end)
        for number in [SIGINT, SIGTERM, SIGHUP] { unsafe sigaddset(&end, number) }
        _ = unsafe pthread_sigmask(SIG_BLOCK, &end, nil)
        let server = try judged { try DaemonServer(configuration, log: log) }
        print("bulkheadd: virsh -c '\(configuration.uri)' list --all")
        if let tls = server.served { print("bulkheadd: TLS on \(tls.ipAddress ?? "?"), port \(tls.port ?? 0)") }
        if let metrics = server.metrics { print("bulkheadd: metrics on \(metrics)") }
        fflush(nil)
        let manager = ServiceManager()
        manager.tell("READY=1", "STATUS=\(configuration.uri)")
        var number: Int32 = 0
        repeat {
            _ = unsafe sigwait(&end, &number)
            guard number == SIGHUP else { break }
            // A service is told to read its files anew. Without one and without any, its terminal has gone.
            guard config != nil || settings.policy != nil else { break }
            manager.tellReloading()
            let faults = readAnew(settings, configuration, server, log)
            let status = faults.isEmpty ? configuration.uri : faults.joined(separator: "; ")
            manager.tell("READY=1", "STATUS=" + status.replacing("\n", with: "; "))
        } while true
        manager.tell("STOPPING=1")
        server.stop()
    }

    /// What has a fault changes nothing. Returns what had one.
    private func readAnew(
        _ settings: ConfigurationFile, _ configuration: DaemonConfiguration, _ server: DaemonServer, _ log: Logger
    ) -> [String] {
        var faults: [String] = []
        if let policy = settings.policy {
            do { server.use(try readPolicy(policy, log)) } catch {
                faults.append("the policy is left as it is: \(error)")
            }
        }
        if let tls = configuration.tls {
            do { try server.renewTLS(tls, log: log) } catch {
                faults.append("TLS is left as it is: \((error as? KeyError)?.reason ?? "\(error)")")
            }
        }
        for fault in faults { log.error("\(fault)") }
        return faults
    }

    func readPolicy(_ path: String, _ log: Logger) throws -> Policy {
        let policy = try Policy(contentsOf: path)
        if !policy.unknownUsers.isEmpty {
            log.warning("the policy gives rights to \(policy.unknownUsers), whom this machine does not have")
        }
        return policy
    }

    private static func address(_ text: String) throws -> ListenAddress {
        guard let address = ListenAddress(text) else {
            throw ValidationError("\"\(text)\" is \(ListenAddress.rule)")
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
