import Foundation
import Testing

@testable import Keys

/// Certificates for the daemon's clients: OpenSSL's, and the list by which they count.
@Suite struct CertificateAuthorityTests {
    let place = TemporaryFolder()
    private var authority: CertificateAuthority { CertificateAuthority(place.path + "/ca") }

    private func openssl(_ arguments: String..., input: Data = Data()) throws -> String {
        String(decoding: try Program.run("openssl", arguments, input: input), as: UTF8.self)
    }

    private func path(_ name: String) -> String { authority.folder.appending(path: name).path }

    private func modes(_ name: String) throws -> Int {
        try #require(try FileManager.default.attributesOfItem(atPath: path(name))[.posixPermissions] as? Int)
    }

    @Test func whatItIssuesIsGoodForItsPurposeAlone() throws {
        try authority.create(name: "Test", passphrase)
        let server = try authority.issue(
            server: "box", hosts: ["192.0.2.7", "::1", "box.example"], days: 30, passphrase)
        let client = try authority.issue(client: "alice", days: 10, passphrase)
        #expect(server.state == .server && client.state == .client && client.name == "alice")
        for (file, purpose, other) in [
            ("servers/box/servercert.pem", "sslserver", "sslclient"),
            ("clients/alice/clientcert.pem", "sslclient", "sslserver"),
        ] {
            let words = try openssl(
                "verify", "-x509_strict", "-purpose", purpose, "-CAfile", path("cacert.pem"), path(file))
            #expect(words.contains("OK"))
            #expect(throws: KeyError.self) {
                try openssl("verify", "-purpose", other, "-CAfile", path("cacert.pem"), path(file))
            }
            let text = try openssl("x509", "-noout", "-text", "-in", path(file))
            #expect(text.contains("CA:FALSE") && !text.contains("CA:TRUE"))
        }
        let text = try openssl("x509", "-noout", "-ext", "subjectAltName", "-in", path("servers/box/servercert.pem"))
        #expect(text.contains("IP Address:192.0.2.7, IP Address:0:0:0:0:0:0:0:1, DNS:box.example"))
        // What the list calls it is the certificate's digest, and its last day.
        let digest = try openssl(
            "x509", "-noout", "-fingerprint", "-sha256", "-in", path("clients/alice/clientcert.pem"))
        #expect(digest.replacing(":", with: "").lowercased().contains(client.fingerprint))
        let end = try openssl(
            "x509", "-noout", "-enddate", "-dateopt", "iso_8601", "-in", path("clients/alice/clientcert.pem"))
        #expect(end.contains(client.until))
        // The key is the certificate's, and nobody else's to read.
        let keys = try ["clients/alice/client", "servers/box/server"].map { prefix in
            #expect(try modes(prefix + "key.pem") == 0o600)
            let own = try openssl("pkey", "-pubout", "-in", path(prefix + "key.pem"))
            #expect(try own == openssl("x509", "-noout", "-pubkey", "-in", path(prefix + "cert.pem")))
            return own
        }
        #expect(keys[0] != keys[1])
        #expect(try modes("ca.key") == 0o600)
        #expect(try String(contentsOfFile: path("ca.key"), encoding: .utf8).contains("ENCRYPTED"))
        #expect(try authority.list().entries == [server, client])
        #expect(try ServerCredentials(in: URL(filePath: path("servers/box"))).certificate.isEmpty == false)
    }

    @Test func whoIsRevokedIsSoInEachCopy() throws {
        try authority.create(name: "Test", passphrase)
        _ = try authority.issue(server: "box", hosts: ["a"], days: 30, passphrase)
        let first = try authority.issue(client: "alice", days: 30, passphrase)
        #expect(throws: KeyError.self) { try authority.issue(client: "alice", days: 30, passphrase) }
        #expect(try authority.revoke("alice").map(\.fingerprint) == [first.fingerprint])
        #expect(try authority.revoke("alice").isEmpty)
        for name in ["box", "bob"] { #expect(throws: KeyError.self) { try authority.revoke(name) } }
        let second = try authority.issue(client: "alice", days: 30, passphrase)
        let list = try CertificateList(in: URL(filePath: path("servers/box")))
        #expect(try list == authority.list())
        #expect(list.entry(of: first.fingerprint)?.state == .revoked)
        #expect(list.entry(of: second.fingerprint)?.state == .client)
    }

    /// Of a request the public key counts and nothing else.
    @Test func aRequestAsksForNothingMore() throws {
        try authority.create(name: "Test", passphrase)
        let key = try Program.run("openssl", ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"])
        let request = try Program.run(
            "openssl",
            [
                "req", "-config", "/dev/null", "-new", "-key", "/dev/stdin", "-subj", "/CN=root", "-addext",
                "basicConstraints=critical,CA:TRUE", "-addext", "extendedKeyUsage=serverAuth", "-addext",
                "subjectAltName=DNS:box.example",
            ], input: key)
        _ = try authority.issue(client: "carol", request: request, days: 30, passphrase)
        let text = try openssl("x509", "-noout", "-text", "-in", path("clients/carol/clientcert.pem"))
        #expect(text.contains("Subject: CN = carol") && text.contains("CA:FALSE") && text.contains("Client Auth"))
        for word in ["root", "CA:TRUE", "Server Auth", "box.example"] { #expect(!text.contains(word), "\(word)") }
        #expect(!FileManager.default.fileExists(atPath: path("clients/carol/clientkey.pem")))
        // One that is none: nothing is in the list.
        let before = try authority.list()
        #expect(throws: KeyError.self) {
            try authority.issue(client: "dave", request: Data("no".utf8), days: 30, passphrase)
        }
        // Nor one whose key anybody can compute, or is not shown to be the asker's.
        let weak = try Program.run("openssl", ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"])
        let asked = try Program.run(
            "openssl", ["req", "-config", "/dev/null", "-new", "-key", "/dev/stdin", "-subj", "/CN=x"], input: weak)
        let lines = String(decoding: request, as: UTF8.self).split(separator: "\n").map(String.init)
        var bytes = try #require(Data(base64Encoded: lines[1..<lines.count - 1].joined()))
        bytes[bytes.count - 1] ^= 1
        let forged =
            "\(lines[0])\n\(bytes.base64EncodedString(options: .lineLength64Characters))\n\(lines[lines.count - 1])\n"
        let others = try ["ED25519", "EC:secp521r1", "EC:secp256k1"].map { kind in
            let words = kind.split(separator: ":").map(String.init)
            let key = try Program.run(
                "openssl",
                ["genpkey", "-algorithm", words[0]]
                    + words.dropFirst().flatMap { ["-pkeyopt", "ec_paramgen_curve:\($0)"] })
            return try Program.run(
                "openssl", ["req", "-config", "/dev/null", "-new", "-key", "/dev/stdin", "-subj", "/CN=x"], input: key)
        }
        for content in others + [asked, Data(forged.utf8)] {
            #expect(throws: KeyError.self) {
                try authority.issue(client: "dave", request: content, days: 30, passphrase)
            }
        }
        #expect(try authority.list() == before)
        // A key of an earlier certificate does not stay beside one that is another's.
        _ = try authority.issue(client: "erin", days: 30, passphrase)
        _ = try authority.revoke("erin")
        _ = try authority.issue(client: "erin", request: request, days: 30, passphrase)
        #expect(!FileManager.default.fileExists(atPath: path("clients/erin/clientkey.pem")))
    }

    /// What stands in the way of one server's list is said, keeps no other from its own, and the revocation can be ended later.
    @Test func aRevocationIsDoneWhole() throws {
        try authority.create(name: "Test", passphrase)
        for name in ["a", "z"] { _ = try authority.issue(server: name, hosts: [name], days: 30, passphrase) }
        let entry = try authority.issue(client: "alice", days: 30, passphrase)
        try "x".write(toFile: path("servers/notes"), atomically: false, encoding: .utf8)
        chmod(path("servers/a"), 0o777)
        do {
            _ = try authority.revoke("alice")
            Issue.record("it was done")
        } catch {
            #expect(error.reason.contains("servers/notes") && error.reason.contains("servers/a"))
        }
        func state(_ folder: String) throws -> CertificateList.State? {
            try CertificateList(in: URL(filePath: path(folder))).entry(of: entry.fingerprint)?.state
        }
        #expect(try state("servers/z") == .revoked && state("") == .revoked)
        // Whatever is done next, done or not, leaves it so.
        #expect(throws: KeyError.self) { try authority.issue(client: "bob", days: 30, passphrase) }
        #expect(try state("servers/z") == .revoked && state("") == .revoked)
        #expect(try authority.list().entries.contains { $0.name == "bob" } == false)
        chmod(path("servers/a"), 0o700)
        try FileManager.default.removeItem(atPath: path("servers/notes"))
        #expect(try authority.revoke("alice").isEmpty)
        for folder in ["servers/a", "servers/z", ""] { #expect(try state(folder) == .revoked) }
        chmod(path("servers"), 0o777)
        #expect(
            throws: KeyError.system(
                "revoked here, but not in \(path("servers")) (\(KeyError.exposed(folder: path("servers")).reason)): mend or remove that and do it again"
            )
        ) {
            try authority.revoke("alice")
        }
        chmod(path("servers"), 0o700)
        // A copy that was lost is there again.
        try FileManager.default.removeItem(atPath: path("servers/a/certificates"))
        #expect(try authority.revoke("alice").isEmpty && state("servers/a") == .revoked)
    }

    /// Of a list that is nearly full no line is added that could not be revoked.
    @Test func aListThatIsFullCanStillBeRevoked() throws {
        try authority.create(name: "Test", passphrase)
        let line = "client \(String(repeating: "n", count: 40)) 2999-01-01\n",
            count = (1 << 20) / (65 + line.utf8.count + 1)
        let text = (0..<count).map { String(format: "%064x ", $0) + line }.joined()
        try text.write(toFile: path("certificates"), atomically: false, encoding: .utf8)
        #expect(throws: KeyError.self) { try authority.issue(client: "alice", days: 30, passphrase) }
        #expect(try authority.list().entries.count == count)
        #expect(try authority.revoke(String(repeating: "n", count: 40)).count == count)
        #expect(try authority.list().entries.allSatisfy { $0.state == .revoked })
    }

    /// What another user could have written is not the authority's word.
    @Test(.enabled(if: geteuid() == 0)) func anothersFileIsNone() throws {
        try authority.create(name: "Test", passphrase)
        _ = try authority.issue(server: "box", hosts: ["a"], days: 30, passphrase)
        let folder = URL(filePath: path("servers/box"))
        let names = ["certificates", "cacert.pem", "servercert.pem", "serverkey.pem", ""]
        for some in [["certificates"], ["cacert.pem"], ["serverkey.pem"], [""], names] {
            for name in some { chown(path("servers/box/" + name), 4711, 4711) }
            #expect(throws: KeyError.self, "\(some)") {
                _ = try CertificateList(in: folder)
                _ = try ServerCredentials(in: folder)
            }
            for name in some { chown(path("servers/box/" + name), 0, 0) }
        }
        _ = try ServerCredentials(in: folder)
    }

    /// A certificate that is past its day is in nobody's way.
    @Test func whatHasExpiredIsNotGood() throws {
        let list = try #require(CertificateList(String(repeating: "a", count: 64) + " client alice 2027-01-01\n"))
        func isGood(_ day: String) throws -> Bool {
            list.good("alice", on: try Date("\(day)T12:00:00Z", strategy: .iso8601)) != nil
        }
        #expect(try isGood("2026-12-31") && isGood("2027-01-01") && !isGood("2027-01-02"))
        #expect(list.good("bob") == nil)
    }

    @Test func whatCannotBeIsRefused() throws {
        #expect(throws: KeyError.self) { try authority.list() }
        try authority.create(name: "Test", passphrase)
        #expect(throws: KeyError.exists(file: authority.folder.path)) { try authority.create(name: "Test", passphrase) }
        for name in [
            "", "../alice", "a b", ".hidden", "-x", "a/b", "é", String(repeating: "a", count: 65), "a\n", "\u{212A}",
        ] {
            #expect(throws: KeyError.self) { try authority.issue(client: name, days: 30, passphrase) }
        }
        for host in ["", "a b", "a,DNS:b", "-a", "a..b", "*.example", "a\n", "\u{212A}", "a.", ".a"] {
            #expect(throws: KeyError.self) { try authority.issue(server: "s", hosts: [host], days: 30, passphrase) }
        }
        #expect(throws: KeyError.self) { try authority.issue(server: "s", hosts: [], days: 30, passphrase) }
        for name in ["", "R+D", "a/CN=b", "a\\", "a=b", "é"] {
            #expect(throws: KeyError.self) {
                try CertificateAuthority(place.path + "/x").create(name: name, passphrase)
            }
        }
        for days in [0, -1, 3651] {
            #expect(throws: KeyError.self) { try authority.issue(client: "alice", days: days, passphrase) }
        }
        #expect(throws: KeyError.passphrase(file: path("ca.key"))) {
            try authority.issue(client: "alice", days: 30, Passphrase("wrong horse"))
        }
        #expect(try authority.list().entries.isEmpty)
    }

    /// A list with a line that is none counts for nothing: who is revoked might stand there.
    @Test func aDamagedListIsNone() throws {
        let digest = String(repeating: "a", count: 64), line = "\(digest) client alice 2027-01-01\n"
        #expect(CertificateList(line)?.entries.count == 1)
        #expect(CertificateList("")?.entries.isEmpty == true)
        for text in [
            line + line, String(line.dropLast()), line + "\n", line.replacing("client", with: "owner"),
            line.replacing("aaaa", with: "aaa"), line.replacing("alice", with: "../x"),
            line.replacing("2027", with: "27"),
            line.uppercased(), "\(digest) client 2027-01-01\n", line + digest, line.replacing("\n", with: " x\n"),
        ] {
            #expect(CertificateList(text) == nil, "\(text)")
        }
        try authority.create(name: "Test", passphrase)
        for (text, mode) in [("x\n", 0o644), (line, 0o666)] {
            try text.write(toFile: path("certificates"), atomically: false, encoding: .utf8)
            chmod(path("certificates"), mode_t(mode))
            #expect(throws: KeyError.self) { try authority.list() }
            #expect(throws: KeyError.self) { try authority.issue(client: "bob", days: 30, passphrase) }
        }
    }

    /// Whose server's key others can read is not served with.
    @Test func anOpenKeyIsNotUsed() throws {
        try authority.create(name: "Test", passphrase)
        _ = try authority.issue(server: "box", hosts: ["a"], days: 30, passphrase)
        let folder = URL(filePath: path("servers/box"))
        chmod(path("servers/box/serverkey.pem"), 0o640)
        #expect(throws: KeyError.self) { try ServerCredentials(in: folder) }
        chmod(path("servers/box/serverkey.pem"), 0o600)
        _ = try ServerCredentials(in: folder)
        try FileManager.default.removeItem(atPath: path("servers/box/servercert.pem"))
        #expect(throws: KeyError.self) { try ServerCredentials(in: folder) }
    }
}
