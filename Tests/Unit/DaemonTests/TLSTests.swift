import Audit
@testable import Daemon
import Foundation
import Keys
import LibvirtWire
import Logging
import NIOSSL
import Policy
import Testing

/// Over TLS a client is whose certificate it shows, as long as the authority's list says so.
@Suite(.serialized) struct TLSTests {
    private static let passphrase = Passphrase("correct horse")
    private static let policy = """
        roles:
          viewer: [{allow: [read], partitions: all}]
        users: {\(getuid()): [viewer]}
        certificates: {alice: [viewer], bob: [viewer], box: [viewer]}
        """

    private let folder: TemporaryFolder
    private let authority: CertificateAuthority
    private let server: DaemonServer
    private let log = LogLines()
    private var served: String { folder.path + "/ca/servers/box" }
    private var list: URL { URL(filePath: served + "/certificates") }

    init() throws {
        folder = try TemporaryFolder()
        authority = CertificateAuthority(folder.path + "/ca")
        try authority.create(name: "Test", Self.passphrase)
        _ = try authority.issue(server: "box", hosts: ["127.0.0.1"], days: 30, Self.passphrase)
        for name in ["alice", "carol"] { _ = try authority.issue(client: name, days: 30, Self.passphrase) }
        server = try Self.server(folder, folder.path + "/ca/servers/box", log)
    }

    private static func server(
        _ folder: TemporaryFolder, _ served: String, _ log: LogLines, allows13: Bool = false
    ) throws -> DaemonServer {
        var configuration = DaemonConfiguration(machine: folder.path + "/link.sock", folder: folder.path)
        configuration.policy = try Policy(policy, file: "policy")
        let address = try #require(ListenAddress("127.0.0.1:0"))
        configuration.tls = TLSOptions(address: address, folder: served, allows13: allows13)
        return try DaemonServer(configuration, log: Logger(label: "test") { _ in log.handler })
    }

    private func client(
        _ name: String?, in authority: CertificateAuthority? = nil, server: DaemonServer? = nil,
        version: TLSVersion = .tlsv12
    ) throws -> TLSClient {
        let port = try #require((server ?? self.server).tls?.port)
        return try TLSClient(
            port: port, authority: served + "/cacert.pem",
            name.map { (authority ?? self.authority).folder.path + "/clients/\($0)" }, version: version)
    }

    private func said(_ words: String) -> Bool { log.all.contains { $0.contains(words) } }

    @Test func whoIsInTheListIsLetIn() throws {
        defer { withExtendedLifetime(folder) { server.stop() } }
        let alice = try client("alice")
        #expect(try alice.open())
        #expect(try alice.call("connect_get_type")?.text.contains("Bulkhead") == true)
        // The machine is not there: what may be asked says so, what may not is denied.
        #expect(try alice.call("connect_num_of_domains")?.code == 38)
        #expect(try alice.call("domain_define_xml") { $0.string("<domain/>") }?.code == 29)
        // The audit log has its name and its digest.
        server.stop()
        var certificates: Set<String> = []
        _ = try AuditChain(path: folder.path + "/bulkheadd.reads") { line in
            if let certificate = line.record.certificate { certificates.insert(certificate) }
            #expect(line.record.uid == nil)
        }
        let entry = try #require(try authority.list().entries.first { $0.name == "alice" })
        #expect(certificates == ["alice \(entry.fingerprint)"])
    }

    @Test func nobodyElseIs() throws {
        defer { withExtendedLifetime(folder) { server.stop() } }
        // Who shows none, and who speaks no TLS.
        #expect(try client(nil).isCutOff)
        let plain = try SocketClient(port: try #require(server.tls?.port))
        plain.send(Packet(PacketHeader(procedure: 66, type: .call, serial: 1)).encoded)
        while plain.receive() != nil {}
        #expect(plain.isCutOff)
        // Of another authority, with the same names.
        let other = CertificateAuthority(folder.path + "/other")
        try other.create(name: "Test", Self.passphrase)
        _ = try other.issue(client: "alice", days: 30, Self.passphrase)
        #expect(try client("alice", in: other).isCutOff)
        // Of this one, but a server's.
        let port = try #require(server.tls?.port)
        let asServer = try TLSClient(
            port: port, authority: served + "/cacert.pem", served, names: ("servercert.pem", "serverkey.pem"))
        #expect(asServer.isCutOff)
        // Whom the policy does not know, though the list does.
        let carol = try client("carol")
        #expect(carol.receive().map { $0 == [1] } != false && carol.receive() == nil)
        #expect(try client("alice").open())
    }

    /// The authority has signed it, and the list does not have it: somebody has used the authority's key.
    @Test func whatIsNotInTheListDoesNotCount() throws {
        defer { withExtendedLifetime(folder) { server.stop() } }
        let text = try String(contentsOf: list, encoding: .utf8)
        let kept = text.split(separator: "\n").filter { !$0.contains(" alice ") }.map { $0 + "\n" }.joined()
        try kept.write(to: list, atomically: true, encoding: .utf8)
        #expect(try client("alice").isCutOff)
        #expect(said("is not in the authority's list"))
        try text.write(to: list, atomically: true, encoding: .utf8)
        #expect(try client("alice").open())
    }

    @Test func whoIsRevokedHasNoFurtherCall() throws {
        defer { withExtendedLifetime(folder) { server.stop() } }
        let alice = try client("alice")
        #expect(try alice.open())
        #expect(try alice.call("connect_get_type")?.code == 0)
        _ = try authority.revoke("alice")
        let refused = try #require(try alice.call("connect_get_type"))
        #expect(refused.code == 88 && refused.text.contains("a certificate of alice is revoked"))
        #expect(try client("alice").isCutOff)
        #expect(said("a certificate of alice is revoked"))
        // Another of hers is another's matter.
        _ = try authority.issue(client: "alice", days: 30, Self.passphrase)
        #expect(try client("alice").open())
        #expect(try alice.call("connect_get_type")?.code ?? 88 == 88)
    }

    /// While nobody knows who is revoked, nobody has a call.
    @Test func withoutAListNoneCounts() throws {
        defer { withExtendedLifetime(folder) { server.stop() } }
        let alice = try client("alice"), text = try String(contentsOf: list, encoding: .utf8)
        #expect(try alice.open())
        try FileManager.default.removeItem(at: list)
        #expect(try alice.call("connect_get_type")?.code == 88)
        try "damaged\n".write(to: list, atomically: false, encoding: .utf8)
        #expect(try alice.call("connect_get_type")?.code == 88)
        #expect(try client("alice").isCutOff)
        try text.write(to: list, atomically: false, encoding: .utf8)
        #expect(try alice.call("connect_get_type")?.code == 0)
        // One that others may write is nobody's word.
        chmod(list.path, 0o666)
        #expect(try alice.call("connect_get_type")?.code == 88)
        chmod(list.path, 0o644)
        #expect(try alice.call("connect_get_type")?.code == 0)
    }

    @Test func theVersionIsTheOneThatClientsUnderstand() throws {
        #expect(try client("alice").open())
        #expect(try client("alice", version: .tlsv11).isCutOff)
        #expect(try client("alice", version: .tlsv13).isCutOff)
        server.stop()
        let other = try TemporaryFolder(), both = try Self.server(other, served, log, allows13: true)
        defer { withExtendedLifetime((folder, other)) { both.stop() } }
        for version in [TLSVersion.tlsv12, .tlsv13] {
            #expect(try client("alice", server: both, version: version).open())
        }
        #expect(try client("alice", server: both, version: .tlsv11).isCutOff)
        // In 1.3 a client believes that it is let in before the server has looked at its certificate.
        #expect(try client(nil, server: both, version: .tlsv13).receive() == nil)
        #expect(try client("carol", server: both, version: .tlsv13).open() == false)
    }

    /// Who begins handshakes and ends none keeps nobody out: the oldest gives way.
    @Test func unfinishedHandshakesGiveWay() throws {
        defer { withExtendedLifetime(folder) { server.stop() } }
        let port = try #require(server.tls?.port)
        let idle = try (0..<Limits.handshakes + 20).map { _ in try SocketClient(port: port) }
        #expect(try client("alice").open())
        #expect(idle[0].isCutOff && idle[15].isCutOff)
        // The others are given up in their time.
        let begun = ContinuousClock.now
        #expect(try #require(idle.last).isCutOff)
        #expect(ContinuousClock.now - begun < .seconds(25))
    }

    /// A connection that is there when its certificate's time is over.
    @Test func whatHasExpiredDoesNotCount() throws {
        server.stop()
        let bench = try DaemonBench(policy: Policy(Self.policy, file: "policy"))
        bench.daemon.certificates = try ClientCertificates(served)
        let entry = try #require(try authority.list().entries.first { $0.name == "alice" })
        let client = try bench.client(), now = time(nil)
        func call(_ name: String, until end: Int) throws -> Int32? {
            client.connection.certificate = ClientCertificate(name: name, fingerprint: entry.fingerprint, end: end)
            return try client.call("connect_num_of_domains")?.code
        }
        #expect(try call("alice", until: now + 60) == 0)
        #expect(try call("alice", until: now - 1) == 88)
        #expect(client.answer?.text.contains("has expired") == true)
        // The list calls it otherwise now: its rights were another's.
        #expect(try call("bob", until: now + 60) == 88)
        withExtendedLifetime(folder) {}
    }
}
