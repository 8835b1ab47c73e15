import Foundation
import LibvirtWire
import Machines

/// `bulkheadd` beside libvirt's own daemon, called by the same client, in turns.
public struct LibvirtBench {
    /// Paths of programs.
    let bulkheadd: String
    /// nil: ours alone.
    let libvirtd: String?
    /// Connections at a time, ascending.
    let connections: [Int]
    let rounds: Int
    /// Of each window.
    let seconds: Double
    let progress: (String) -> Void

    public static let usualConnections = [1, 8, 64]

    /// - Parameters:
    ///   - bulkheadd: a program's path.
    ///   - libvirtd: a program's path; nil: ours is measured alone.
    ///   - connections: how many at a time, each 1 to 1,000.
    ///   - rounds: how often each is measured, 1 or more; the first is not special.
    ///   - seconds: of each window, more than 0.
    ///   - progress: gets a line for each round.
    /// - Throws: `MachineError.missing` where a program is not there.
    public init(
        bulkheadd: String, libvirtd: String?, connections: [Int] = usualConnections, rounds: Int, seconds: Double,
        progress: @escaping (String) -> Void = { _ in }
    ) throws(MachineError) {
        let files = FileManager.default
        guard files.isExecutableFile(atPath: bulkheadd) else {
            throw .missing(
                file: bulkheadd,
                hint: "start this by the ./bulkhead script, which builds it, or say where it is with --bulkheadd")
        }
        if let libvirtd, !files.isExecutableFile(atPath: libvirtd) {
            throw .missing(
                file: libvirtd,
                hint: """
                    install Debian's package libvirt-daemon (apt-get install --no-install-recommends libvirt-daemon), say where \
                    it is with --libvirtd, or measure bulkheadd alone with --alone
                    """)
        }
        (self.bulkheadd, self.libvirtd, self.connections) = (bulkheadd, libvirtd, connections.sorted())
        (self.rounds, self.seconds, self.progress) = (rounds, seconds, progress)
    }

    /// Starts the servers, measures, and ends them.
    /// - Throws: `MachineError` where one does not start, or does not answer a call.
    public func run() throws -> LibvirtBenchReport {
        try PrivateFolder.with { folder in
            let link = try StillMachineLink(folder.appending(path: "link.sock").path)
            defer { link.stop() }
            var servers: [BenchServer] = []
            defer { servers.forEach { $0.stop() } }
            servers.append(try .bulkheadd(bulkheadd, in: folder))
            if let libvirtd { servers.append(try .libvirtd(libvirtd, in: folder)) }
            for server in servers { try server.waitUntilReady() }
            return try measure(servers)
        }
    }

    private func measure(_ servers: [BenchServer]) throws -> LibvirtBenchReport {
        let idle = servers.map { $0.memory ?? 0 }
        let open = try servers.map { server in try (0..<(connections.last ?? 1)).map { _ in try server.connect() } }
        var windows: [LibvirtBenchReport.Window: [[CallStatistics]]] = [:]
        for round in 0..<rounds {
            progress("round \(round + 1) of \(rounds)")
            for count in connections {
                for call in BenchCall.allCases {
                    var taken: [Int: CallStatistics] = [:]
                    // Who comes first changes with each round.
                    for index in round.isMultiple(of: 2) ? Array(servers.indices) : servers.indices.reversed() {
                        let own = Array(open[index].prefix(count))
                        let request = call.request(of: try own[0].domain(StillMachine.partition))
                        taken[index] = try CallLoop(connections: own).run(request, seconds: seconds) {
                            servers[index].processorTime
                        }
                    }
                    windows[.init(call: call, connections: count), default: []].append(
                        servers.indices.compactMap { taken[$0] })
                }
            }
        }
        let memory = servers.indices.map { index in
            LibvirtBenchReport.Memory(
                server: servers[index].name, idleBytes: idle[index], connectedBytes: servers[index].memory ?? 0)
        }
        let version = servers.count > 1 ? try open[1][0].version() : nil
        return LibvirtBenchReport(windows, memory, rounds: rounds, seconds: seconds, version: version)
    }
}
