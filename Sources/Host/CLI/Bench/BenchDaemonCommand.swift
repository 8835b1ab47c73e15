import ArgumentParser
import Foundation
import LibvirtBench
import Machines

/// `bulkhead bench daemon`: how fast `bulkheadd` answers, beside libvirt's own daemon.
struct BenchDaemonCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "daemon", abstract: "Measure bulkheadd beside libvirtd: calls a second, time of a call, memory.",
        discussion: """
            Starts bulkheadd, with an access policy and its audit logs, on a machine that is not there, and a stock libvirtd \
            whose test driver (test:///default) answers the same calls; one client calls both, in turns, at 1, 8 and 64 \
            connections. Takes about a minute. Leave the host alone meanwhile: times are its own, and only the ratio of two \
            that were measured in the same run says something. libvirtd is in Debian's package libvirt-daemon.

              ./bulkhead bench daemon
              ./bulkhead bench daemon --rounds 15 --json daemon.json
              ./bulkhead bench daemon --alone --connections 1,256

            Exit code 0 when everything could be measured. Documentation/bench.md says how each number comes about.
            """)

    // `--json` is that of `bench`.
    @ParentCommand var bench: BenchCommand
    @Option(help: "How often each is measured, 1 to 1,000; the round in the middle counts.") var rounds = 5
    @Option(help: ArgumentHelp("Seconds of each window, 0.01 to 60.", valueName: "seconds")) var window = 0.5
    @Option(
        help: ArgumentHelp("How many connections call at a time, 1 to 1,000 each.", valueName: "n,n,..."),
        transform: Self.numbers)
    var connections = LibvirtBench.usualConnections
    @Option(help: ArgumentHelp("bulkheadd (default: the release build of this checkout).", valueName: "program"))
    var bulkheadd: String?
    @Option(help: ArgumentHelp("libvirtd, or another daemon of libvirt's.", valueName: "program"))
    var libvirtd = "/usr/sbin/libvirtd"
    @Flag(help: "Measure bulkheadd without libvirtd.") var alone = false

    func validate() throws {
        guard (1...1000).contains(rounds) else { throw ValidationError("--rounds takes a number from 1 to 1000") }
        guard (0.01...60).contains(window) else { throw ValidationError("--window takes a number from 0.01 to 60") }
    }

    func run() throws {
        let ours = try bulkheadd ?? Workspace.current().root.appending(path: ".build/release/bulkheadd").path
        let measured = try LibvirtBench(
            bulkheadd: ours, libvirtd: alone ? nil : libvirtd, connections: connections, rounds: rounds,
            seconds: window
        ) { FileHandle.standardError.write(Data("\($0)\n".utf8)) }
        let report = try measured.run()
        if let json = bench.json { try SafeFile.write(report.json(), to: json) }
        print(report.text)
    }

    private static func numbers(_ text: String) throws -> [Int] {
        let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
        guard numbers.allSatisfy({ (1...1000).contains($0) }) else {
            throw ValidationError("--connections takes numbers from 1 to 1000, such as 1,8,64")
        }
        return numbers
    }
}
