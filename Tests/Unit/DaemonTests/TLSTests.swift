import Audit
@testable import Daemon
import Foundation
import Keys
import LibvirtWire
import Logging
import NIOCore
import NIOEmbedded
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
        let port = try #require((server ?? self.server).served?.port)
        return try TLSClient(
            port: port, authority: served + "/cacert.pem",
            name.map { (authority ?? self.authority).folder.path + "/clients/\($0)" }, version: version)
    }

    private func said(_ words: String) -> Bool { log.all.contains { $0.contains(words) } }

    /// What OpenSSL's client says of a connection of hers.
    private func connect(_ more: [String]) throws -> String {
        let port = try #require(server.served?.port), own = authority.folder.path + "/clients/alice/client"
        let program = Process(), output = Pipe()
        program.executableURL = URL(filePath: "/usr/bin/env")
        program.arguments =
            [
                "timeout", "20", "openssl", "s_client", "-connect", "127.0.0.1:\(port)", "-CAfile",
                served + "/cacert.pem",
                "-cert", own + "cert.pem", "-key", own + "key.pem", "-tls1_2",
            ] + more
        (program.standardInput, program.standardOutput) = (FileHandle.nullDevice, output)
        program.standardError = FileHandle.nullDevice
        try program.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        program.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }

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
        let plain = try SocketClient(port: try #require(server.served?.port))
        plain.send(Packet(PacketHeader(procedure: 66, type: .call, serial: 1)).encoded)
        while plain.receive() != nil {}
        #expect(plain.isCutOff)
        // Of another authority, with the same names.
        let other = CertificateAuthority(folder.path + "/other")
        try other.create(name: "Test", Self.passphrase)
        _ = try other.issue(client: "alice", days: 30, Self.passphrase)
        #expect(try client("alice", in: other).isCutOff)
        // Of this one, but a server's.
        let port = try #require(server.served?.port)
        let asServer = try TLSClient(
            port: port, authority: served + "/cacert.pem", served, names: ("servercert.pem", "serverkey.pem"))
        #expect(asServer.isCutOff)
        // Whom the policy does not know, though the list does.
        #expect(try client("carol").isCutOff)
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
        #expect(try client("alice").isCutOff && said("no client's certificate counts"))
        try text.write(to: list, atomically: false, encoding: .utf8)
        #expect(try alice.call("connect_get_type")?.code == 0)
        // Nor where its folder is not closed; once it is, it is looked at again.
        chmod(served, 0o777)
        try text.write(to: list, atomically: false, encoding: .utf8)
        #expect(try alice.call("connect_get_type")?.code == 88)
        chmod(served, 0o700)
        var code: Int32? = 88
        for _ in 0..<100 where code == 88 {
            Thread.sleep(forTimeInterval: 0.1)
            code = try alice.call("connect_get_type")?.code
        }
        #expect(code == 0)
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
        for name in [nil, "carol"] { #expect(try client(name, server: both, version: .tlsv13).isCutOff) }
    }

    /// Who begins handshakes and ends none keeps nobody out: the oldest gives way of the host that has the most.
    @Test func unfinishedHandshakesGiveWay() throws {
        defer { withExtendedLifetime(folder) { server.stop() } }
        let port = try #require(server.served?.port), begun = ContinuousClock.now
        let other = try SocketClient(port: port, host: 2)
        let idle = try (0..<Limits.handshakes + 20).map { _ in try SocketClient(port: port) }
        #expect(try client("alice").open())
        // When hers was taken, theirs were closed already.
        for i in [0, 10, 20] { #expect(!idle[i].isSilent && idle[i].isCutOff) }
        // Those that came last are there, and so is another host's; they are given up in their time.
        let isEarly = ContinuousClock.now - begun < .seconds(Limits.handshakeSeconds - 2)
        #expect(!isEarly || idle[40].isSilent && other.isSilent)
        #expect(other.isCutOff)
        #expect(try #require(idle.last).isCutOff)
        // Nor does one stay behind a daemon that has ended.
        let last = try SocketClient(port: port)
        _ = try client("alice").open()
        server.stop()
        #expect(last.isCutOff)
    }

    /// Nobody comes back by a session, be it his, without showing a certificate; and none is kept.
    @Test func noSessionIsTakenUpAgain() throws {
        defer { withExtendedLifetime(folder) { server.stop() } }
        for ticket in [[], ["-no_ticket"]] as [[String]] {
            let session = folder.path + "/session"
            for (more, isFirst) in [("-sess_out", true), ("-sess_in", false)] {
                let words = try connect([more, session] + ticket)
                #expect(words.contains("\nNew, TLSv1.2") && !words.contains("Reused"), "\(isFirst) \(words)")
            }
        }
    }

    @Test func withoutAPolicyNobodyIsServed() throws {
        server.stop()
        let other = try TemporaryFolder()
        var configuration = DaemonConfiguration(machine: other.path + "/link.sock", folder: other.path)
        configuration.tls = TLSOptions(address: try #require(ListenAddress("127.0.0.1:0")), folder: served)
        #expect(throws: ConfigurationError.noPolicy) {
            try DaemonServer(configuration, log: Logger(label: "test") { _ in log.handler })
        }
        withExtendedLifetime(folder) {}
    }

    /// A server's certificate is renewed while it runs; one that cannot be is not.
    @Test func aNewCertificateIsShown() throws {
        defer { withExtendedLifetime(folder) { server.stop() } }
        let options = TLSOptions(address: try #require(ListenAddress("127.0.0.1:0")), folder: served)
        let log = Logger(label: "test") { _ in self.log.handler }
        let alice = try client("alice")
        #expect(try alice.open())
        _ = try authority.issue(server: "box", hosts: ["127.0.0.1"], days: 10, Self.passphrase)
        try server.renewTLS(options, log: log)
        #expect(said("is good for 10 days more"))
        let shown = try String(contentsOfFile: served + "/servercert.pem", encoding: .utf8)
        #expect(try connect([]).contains(shown))
        #expect(try client("alice").open())
        try "no".write(toFile: served + "/servercert.pem", atomically: false, encoding: .utf8)
        #expect(throws: KeyError.self) { try server.renewTLS(options, log: log) }
        #expect(try client("alice").open())
        #expect(try alice.call("connect_get_type")?.code == 0)
    }

    /// Long ones go into TLS in pieces that its first buffer holds, in order, and the last tells that all are through.
    @Test func aLongPacketGoesInPieces() throws {
        let channel = EmbeddedChannel(handler: ShortRecords())
        for count in [0, 1, 16_000, 16_001, 100_000] {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 / 7) }
            let promise = channel.eventLoop.makePromise(of: Void.self)
            channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: promise)
            var all: [UInt8] = []
            while let piece = try channel.readOutbound(as: ByteBuffer.self) {
                #expect(piece.readableBytes <= ShortRecords.most)
                all += piece.readableBytesView
            }
            try promise.futureResult.wait()
            #expect(all == bytes)
        }
        _ = try channel.finish()
        server.stop()
    }

    @Test func aNetworkIsOneHost() {
        defer { withExtendedLifetime(folder) { server.stop() } }
        func isOne(_ a: String, _ b: String) -> Bool { TLSAdmission.network(of: a) == TLSAdmission.network(of: b) }
        #expect(isOne("2001:db8:0:1::1", "2001:db8:0:1:2::3") && !isOne("2001:db8:0:1::1", "2001:db8:0:2::1"))
        #expect(isOne("192.0.2.1", "192.0.2.1") && !isOne("192.0.2.1", "192.0.2.2"))
        #expect(!isOne("::ffff:192.0.2.1", "::ffff:192.0.2.2"))
    }

    /// However many come over TLS, some places are this machine's.
    @Test func somePlacesAreLocal() throws {
        server.stop()
        let bench = try DaemonBench(
            places: ClientPlaces(descriptors: 64 + 16), policy: Policy(Self.policy, file: "policy"))
        var clients: [BenchClient] = []
        while bench.daemon.hasRoom(isReadOnly: false, isRemote: true) {
            clients.append(try bench.client())
            clients.last?.connection.certificate = ClientCertificate(name: "alice", fingerprint: "", end: .max)
        }
        #expect(clients.count == 12 && bench.daemon.hasRoom(isReadOnly: false))
        withExtendedLifetime(folder) {}
    }

    /// Many small packets wait for a client that does not read: in as much memory as they have bytes.
    @Test func whatWaitsIsAsLargeAsItsBytes() throws {
        let channel = EmbeddedChannel(handler: CompactBuffers())
        for count in [1, 57, 5000, 16384] {
            var buffer = channel.allocator.buffer(capacity: 16384)
            buffer.writeRepeatingByte(7, count: count)
            try channel.writeOutbound(buffer)
            let written = try #require(try channel.readOutbound(as: ByteBuffer.self))
            #expect(written == buffer && written.storageCapacity < 2 * max(count, 1) + 1)
        }
        _ = try channel.finish()
        server.stop()
    }

    /// A connection that is there when its certificate's time is over.
    @Test func whatHasExpiredDoesNotCount() throws {
        server.stop()
        let bench = try DaemonBench(policy: Policy(Self.policy, file: "policy"))
        bench.daemon.certificates = try ClientCertificates(served, log: Logger(label: "test") { _ in log.handler })
        let entry = try #require(try authority.list().entries.first { $0.name == "alice" })
        let client = try bench.client(), now = time(nil)
        func call(_ name: String, until end: Int) throws -> Int32? {
            client.connection.certificate = ClientCertificate(name: name, fingerprint: entry.fingerprint, end: end)
            return try client.call("connect_num_of_domains")?.code
        }
        #expect(try call("alice", until: now + 60) == 0)
        #expect(try call("alice", until: now - 1) == 88)
        #expect(client.answer?.text.contains("has expired") == true)
        // What TLS itself refuses for a client, the list does as well.
        let box = try #require(try authority.list().entries.first { $0.state == .server })
        switch bench.daemon.certificates?.name(of: box.fingerprint) {
        case .failure(let refusal): #expect(refusal.words.contains("is a server's"))
        default: Issue.record("a server is a client")
        }
        // The list calls it otherwise now: its rights were another's.
        #expect(try call("bob", until: now + 60) == 88)
        withExtendedLifetime(folder) {}
    }
}
