@testable import Daemon
import Foundation
import ManifestFile
import Testing
import UnitSupport

/// The daemon's options in a file.
@Suite struct ConfigurationFileTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")

    private func read(_ text: String) throws -> ConfigurationFile {
        try ConfigurationFile(text, file: "/etc/bulkhead/bulkheadd.yaml")
    }

    private func problems(_ text: String) -> [String] {
        do {
            _ = try read(text)
            return []
        } catch let error as ManifestRefused {
            return error.problems.map { $0.description.replacing("/etc/bulkhead/bulkheadd.yaml", with: "f") }
        } catch { return ["\(error)"] }
    }

    @Test func eachOptionIsRead() throws {
        let found = try read(
            """
            machine-socket: /dev/ttyUSB0
            socket-dir: run
            state-dir: ../state
            shutdown-line: shut down now
            policy: policy.yaml
            tls: "[::]:16514"
            pki: pki/box
            tls-1.3: true
            metrics: 9100
            verbose: false
            """)
        #expect(found.machineSocket == "/dev/ttyUSB0" && found.socketDir == "/etc/bulkhead/run")
        #expect(found.stateDir == "/etc/state" && found.shutdownLine == "shut down now")
        #expect(found.policy == "/etc/bulkhead/policy.yaml" && found.pki == "/etc/bulkhead/pki/box")
        #expect(found.tls == ListenAddress("[::]:16514") && found.metrics == ListenAddress("127.0.0.1:9100"))
        #expect(found.allowsTLS13 == true && found.isVerbose == false)
        let little = try read("metrics: 9100")
        #expect(little.machineSocket == nil && little.allowsTLS13 == nil && little.policy == nil)
    }

    @Test func whatIsWrongIsSaidByLine() {
        #expect(
            problems("polcy: a\ntls: everywhere\nverbose: yes\nstate-dir: [a]\nmetrics: 1.2.3.4\n") == [
                "f:1: unknown key \"polcy\" in the configuration; did you mean \"policy\"?",
                "f:2: \"tls\" is \"everywhere\", which is \(ListenAddress.rule)",
                "f:3: \"verbose\": \"yes\" is neither true nor false; did you mean true?",
                "f:4: \"state-dir\" must be a single word",
                "f:5: \"metrics\" is \"1.2.3.4\", which is \(ListenAddress.rule)",
            ])
        #expect(problems("- policy") == ["f:1: the configuration must be lines of \"key: value\""])
        #expect(problems("policy: a\npolicy: b").first?.contains("occurs more than once") == true)
        #expect(problems("policy:") == ["f:1: \"policy\" must be a single word"])
    }

    /// The one in Examples, which packages install, has all that there is, and each line in it can be used.
    @Test func theAnnotatedOneHasAllOptions() throws {
        let text = try String(contentsOf: Self.root.appending(path: "Examples/daemon/bulkheadd.yaml"), encoding: .utf8)
        _ = try read(text)
        let all = text.split(separator: "\n").map { line in
            let keys = ConfigurationFile.keys.filter { line.hasPrefix("# \($0): ") }
            return keys.isEmpty ? line : line.dropFirst(2)
        }
        let found = try read(all.joined(separator: "\n"))
        let values: [Any?] = [
            found.machineSocket, found.socketDir, found.stateDir, found.shutdownLine, found.policy, found.tls,
            found.pki, found.allowsTLS13, found.metrics, found.isVerbose,
        ]
        #expect(values.count == ConfigurationFile.keys.count && values.allSatisfy { $0 != nil }, "\(values)")
    }

    /// Whatever can be said on the command line can be said there: but for the file itself, and for what looks at it.
    @Test func itsKeysAreTheOptions() throws {
        let help = try ToolRun(["--help"], program: "bulkheadd").output
        let options = help.matches(of: /(?m)^  (?:-h, )?--([a-z0-9.-]+)/).map { String($0.1) }
        #expect(Set(options) == Set(ConfigurationFile.keys).union(["config", "check", "help"]))
    }

    @Test func aFileThatOthersMayWriteIsRefused() throws {
        let folder = try TemporaryFolder(), file = folder.path + "/bulkheadd.yaml"
        try "verbose: true".write(toFile: file, atomically: true, encoding: .utf8)
        chmod(file, 0o620)
        #expect(throws: ManifestRefused.self) { try ConfigurationFile(contentsOf: file) }
        chmod(file, 0o640)
        #expect(try ConfigurationFile(contentsOf: file).isVerbose == true)
        #expect(throws: ManifestRefused.self) { try ConfigurationFile(contentsOf: folder.path) }
    }
}
