import Foundation
import Testing

/// What `./bulkhead --help` prints without the tool is what the tool would say.
@Suite struct HelpTests {
    let help = Repository.current.text("Tools/help.txt")
    let sources = Repository.current.code(under: "Sources/Host/CLI").map(Repository.current.text)

    /// What the script does without the tool.
    static let script: Set<Substring> = ["setup", "daemon"]

    @Test func eachLineIsACommands() {
        var count = 0
        for match in help.matches(of: /(?m)^  ([a-z]+) +([A-Z].*\.)$/) where !Self.script.contains(match.1) {
            count += 1
            let (name, words) = (String(match.1), String(match.2))
            let isThere = sources.contains { $0.contains("\"\(name)\"") && $0.contains("abstract: \"\(words)\"") }
            #expect(isThere, "no command \(name) says: \(words)")
        }
        #expect(count > 10)
    }

    @Test func eachCommandHasALine() {
        for folder in Repository.current.folders(in: "Sources/Host/CLI") {
            if ["Terminal", "Manage", "Lifecycle"].contains(folder) { continue }
            let isThere = help.contains("\n  \(folder.lowercased()) ")
            #expect(isThere, "Tools/help.txt does not have \(folder.lowercased())")
        }
    }

    /// The script, the tool and the hypervisor are of one version.
    @Test func oneVersion() throws {
        let pattern = /"(\d+\.\d+\.\d+)"/
        let main = Repository.current.text("Sources/Metal/Hypervisor/Boot/Main.swift")
        let tool = Repository.current.text("Sources/Host/Machines/HypervisorVersion.swift")
        let hypervisor = try #require(main.firstMatch(of: pattern)?.1)
        #expect(try #require(tool.firstMatch(of: pattern)).1 == hypervisor)
        #expect(Repository.current.text("bulkhead").contains("Sources/Metal/Hypervisor/Boot/Main.swift"))
    }
}
