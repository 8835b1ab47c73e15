import Foundation
import Machines

/// A server of libvirt's protocol as a process of its own, in a folder of its own. It ends with whoever started it.
final class BenchServer {
    let name: String
    private let child: Child
    private let log: URL
    private let socket: String
    private let uri: String

    private init(_ name: String, _ program: String, _ arguments: [String], in folder: URL, socket: String, uri: String)
        throws
    {
        log = folder.appending(path: "\(name).log")
        (self.name, self.socket, self.uri) = (name, folder.appending(path: socket).path, uri)
        child = try Child(program, arguments, errors: log) { _ in }
    }

    /// Ours, with an access policy that lets this user do everything, and its audit logs.
    /// - Parameters:
    ///   - folder: where its machine's `link.sock` is.
    static func bulkheadd(_ program: String, in folder: URL) throws -> BenchServer {
        let policy = folder.appending(path: "policy.yaml")
        try """
        roles:
          all: [{allow: [read, console, start, stop, pause, restart, define], partitions: all}]
        users: {"\(getuid())": [all]}

        """.write(to: policy, atomically: false, encoding: .utf8)
        // Whatever this user's umask is, nobody else may write into it.
        _ = unsafe chmod(policy.path, 0o600)
        let link = folder.appending(path: "link.sock").path
        return try BenchServer(
            "bulkheadd", program,
            ["--machine-socket", link, "--socket-dir", folder.path, "--policy", policy.path], in: folder,
            socket: "virtbulkheadd-sock", uri: "bulkhead:///system")
    }

    /// libvirt's, as it is without a configuration but for its sockets, and without the drivers that it loads: the test
    /// driver is in its library, and the others want users and folders that are made where machines are to run.
    static func libvirtd(_ program: String, in folder: URL) throws -> BenchServer {
        let configuration = folder.appending(path: "libvirtd.conf")
        try """
        unix_sock_dir = "\(folder.path)"
        auth_unix_rw = "none"
        auth_unix_ro = "none"

        """.write(to: configuration, atomically: false, encoding: .utf8)
        let pid = folder.appending(path: "libvirtd.pid").path
        let places = ["LIBVIRT_DRIVER_DIR", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"]
        return try BenchServer(
            "libvirtd", "/usr/bin/env",
            places.map { "\($0)=\(folder.path)" } + [program, "--config", configuration.path, "--pid-file", pid],
            in: folder,
            socket: "libvirt-sock", uri: "test:///default")
    }

    /// Bytes of memory that it has now (`VmRSS`); nil: it has ended.
    var memory: Int? {
        let status = try? String(contentsOfFile: "/proc/\(child.process)/status", encoding: .utf8)
        let line = status?.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }.map { $0 << 10 }
    }

    /// Nanoseconds of processors that its threads have taken.
    var processorTime: UInt64 {
        var clock = clockid_t(), time = timespec()
        // The structures are ones of the calls' own kinds.
        guard unsafe clock_getcpuclockid(child.process, &clock) == 0, unsafe clock_gettime(clock, &time) == 0 else {
            return 0
        }
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    func connect() throws(MachineError) -> BenchConnection { try BenchConnection(socket, uri: uri, name: name) }

    /// Waits until it answers a call.
    /// - Throws: `MachineError` where it has ended, or does not in so many seconds.
    func waitUntilReady(seconds: Double = 30) throws {
        let end = BenchConnection.now + UInt64(seconds * 1e9)
        while true {
            if let status = child.status {
                throw MachineError.program(name, status: status, output: lastWords)
            }
            do throws(MachineError) {
                _ = try connect().domain(StillMachine.partition)
                return
            } catch {
                guard BenchConnection.now < end else {
                    throw MachineError.timeout(
                        awaited: "answer of \(name) (\(error))", seconds: seconds, log: lastWords)
                }
            }
            Thread.sleep(forTimeInterval: 0.05)
        }
    }

    private var lastWords: String {
        let text = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").suffix(3).joined(separator: "\n")
    }

    func stop() { child.stop() }
}
