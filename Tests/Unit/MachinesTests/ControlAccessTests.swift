import Foundation
import Testing

@testable import Machines

@Suite struct ControlAccessTests {
    /// A folder's name ends neither the URI nor the shell's word that it is in.
    @Test func theLineIsOneWordOfAShell() {
        let access = ControlAccess(folder: URL(filePath: "/a b'&?#%é", directoryHint: .isDirectory), port: 5)
        #expect(
            access.uri("alice")
                == "bulkhead+tls://127.0.0.1:5/system?pkipath=/a%20b%27%26%3F%23%25%C3%A9/authority/clients/alice")
        #expect(access.command("bob") == "virsh -c '\(access.uri("bob"))' list --all")
        #expect(access.network("n") == "user,id=n,restrict=on,hostfwd=tcp:127.0.0.1:5-10.0.2.15:16514")
    }

    /// Each client of whom the example's policy speaks gets a certificate, and one of whom it does not.
    @Test func thePolicyIsOfItsClients() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "Examples/control/policy.yaml"), encoding: .utf8)
        let section = try #require(text.components(separatedBy: "\ncertificates:\n").last)
        let names = section.matches(of: /(?m)^  ([a-z]+): \[/).map { String($0.1) }
        #expect(names + ["mallory"] == ControlAccess.clients)
    }

    @Test func withoutADaemonNothingIsMade() throws {
        try PrivateFolder.with { folder in
            let access = ControlAccess(folder: folder, port: 5)
            #expect {
                try access.make(Workspace(root: folder))
            } throws: { "\($0)".hasSuffix("bulkheadd does not exist; ./bulkhead demo --example control builds it") }
            let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            #expect(left.isEmpty)
        }
    }

    /// Nobody listens: who waits is told what virsh says.
    @Test func whoIsNotServedIsTold() throws {
        try PrivateFolder.with { folder in
            let access = ControlAccess(folder: folder, port: try LoopbackPort().number)
            #expect {
                try access.waitUntilServed(seconds: 0)
            } throws: { error in
                "\(error)".contains("virsh -c 'bulkhead+tls://127.0.0.1:") || "\(error)".contains("libvirt-clients")
            }
            #expect(throws: MachineError.self) { try access.ask("alice", ["list"], refusal: "another") }
        }
    }
}
