import Foundation

/// How OpenSSL makes certificates. Nothing of the system's configuration gets into them.
extension CertificateAuthority {
    private static func newKey() throws(KeyError) -> Data {
        try Program.run("openssl", ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"])
    }

    private static func request(subject: String, days: Int) -> [String] {
        ["req", "-config", "/dev/null", "-x509", "-sha256", "-days", "\(days)", "-subj", "/CN=\(subject)"]
    }

    static func makeAuthority(
        _ name: String, _ passphrase: Passphrase
    ) throws(KeyError) -> (secret: Data, certificate: Data) {
        let plain = try newKey()
        let secret = try Program.run(
            "openssl", ["pkcs8", "-topk8", "-scrypt", "-passout", "env:BULKHEAD_PASSPHRASE"], input: plain, passphrase)
        let certificate = try Program.run(
            "openssl",
            request(subject: name, days: maxDays) + [
                "-new", "-key", "/dev/stdin", "-addext", "basicConstraints=critical,CA:TRUE,pathlen:0",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign",
            ], input: plain)
        return (secret, certificate)
    }

    /// A certificate that OpenSSL takes for its purpose, and its key unless it was asked for by a request.
    static func make(
        _ state: CertificateList.State, _ name: String, _ hosts: [String], _ request: Data?, _ days: Int,
        _ passphrase: Passphrase, in files: OpenFolder
    ) throws(KeyError) -> (entry: CertificateList.Entry, certificate: Data, key: Data?) {
        var more = ["-addext", "extendedKeyUsage=\(state == .server ? "serverAuth" : "clientAuth")"]
        if state == .server {
            more += ["-addext", "subjectAltName=\(try alternativeNames(hosts))"]
        }
        try requireKey(passphrase, in: files)
        if let request {
            // Whoever asks has to have the key: of what this makes, its status alone counts. `req -verify` has none for that.
            do {
                _ = try Program.run(
                    "openssl",
                    [
                        "x509", "-req", "-CA", files.path(certificateName), "-CAkey", files.path(keyName), "-passin",
                        "env:BULKHEAD_PASSPHRASE", "-set_serial", "1",
                    ], input: request, passphrase)
            } catch { throw .system("this is no certificate request of who has the key: \(error.reason)") }
        }
        let key = request == nil ? try newKey() : nil
        let certificate = try Program.run(
            "openssl",
            Self.request(subject: name, days: days) + [
                "-CA", files.path(certificateName), "-CAkey", files.path(keyName), "-passin",
                "env:BULKHEAD_PASSPHRASE", "-addext", "basicConstraints=critical,CA:FALSE", "-addext",
                "keyUsage=critical,digitalSignature,keyEncipherment",
            ] + more + (key == nil ? ["-in", "/dev/stdin"] : ["-new", "-key", "/dev/stdin"]),
            input: key ?? request ?? Data(), passphrase)
        // Of 112 bits and more (SP 800-131A): RSA of 2,048 bits, curves of 224.
        do {
            _ = try Program.run(
                "openssl",
                [
                    "verify", "-x509_strict", "-auth_level", "2", "-purpose",
                    state == .server ? "sslserver" : "sslclient", "-CAfile", files.path(certificateName),
                ], input: certificate)
        } catch { throw .system("its key is too weak, or the authority has expired: \(error.reason)") }
        try requireKind(certificate)
        let until = try lastDay(certificate), own = try lastDay(files.read(certificateName))
        guard until <= own else {
            throw .system("the authority itself is good until \(own) alone: ask for fewer --days")
        }
        let fingerprint = CertificateList.fingerprint(try der(certificate))
        return (.init(fingerprint: fingerprint, state: state, name: name, until: until), certificate, key)
    }

    /// What the daemon's TLS verifies.
    private static func requireKind(_ certificate: Data) throws(KeyError) {
        let text = String(
            decoding: try Program.run("openssl", ["x509", "-noout", "-text"], input: certificate), as: UTF8.self)
        let isRSA = text.contains("Public Key Algorithm: rsaEncryption\n")
        guard isRSA || text.contains(/NIST CURVE: P-(256|384)\n/) else {
            throw .system("its key is neither RSA nor on P-256 or P-384")
        }
    }

    private static func requireKey(_ passphrase: Passphrase, in files: OpenFolder) throws(KeyError) {
        let own = try files.read(keyName)
        try EncryptedKeyFile.require(own, file: files.path(keyName))
        _ = try Program.run("openssl", ["version"])
        do {
            _ = try Program.run(
                "openssl", ["pkey", "-noout", "-passin", "env:BULKHEAD_PASSPHRASE"], input: own, passphrase)
        } catch { throw .passphrase(file: files.path(keyName)) }
    }

    private static func alternativeNames(_ hosts: [String]) throws(KeyError) -> String {
        var names: [String] = []
        for host in hosts {
            guard let name = alternativeName(host) else {
                throw .system("\"\(host)\" is no name of a host and no address")
            }
            names.append(name)
        }
        return names.joined(separator: ",")
    }

    static func alternativeName(_ host: String) -> String? {
        var v4 = in_addr(), v6 = in6_addr()
        if unsafe inet_pton(AF_INET, host, &v4) == 1 || inet_pton(AF_INET6, host, &v6) == 1 { return "IP:\(host)" }
        let labels = host.utf8.split(separator: 0x2E, omittingEmptySubsequences: false)
        let isHost = labels.allSatisfy { label in
            label.first.map(CertificateList.isLetter) == true && label.last.map(CertificateList.isLetter) == true
                && label.allSatisfy { CertificateList.isLetter($0) || $0 == 0x2D }
        }
        return isHost && host.utf8.count <= 253 ? "DNS:\(host)" : nil
    }

    private static func der(_ certificate: Data) throws(KeyError) -> [UInt8] {
        let lines = String(decoding: certificate, as: UTF8.self).split(separator: "\n")
        guard lines.first == "-----BEGIN CERTIFICATE-----", lines.last == "-----END CERTIFICATE-----",
            let data = Data(base64Encoded: lines.dropFirst().dropLast().joined())
        else { throw .system("openssl has made no certificate") }
        return Array(data)
    }

    /// `notAfter=2027-11-29 20:21:57Z`
    private static func lastDay(_ certificate: Data) throws(KeyError) -> String {
        let words = try Program.run(
            "openssl", ["x509", "-noout", "-enddate", "-dateopt", "iso_8601"], input: certificate)
        let day = String(decoding: words, as: UTF8.self).drop { $0 != "=" }.dropFirst().prefix(10)
        guard CertificateList.isDay(String(day)) else { throw .system("openssl names no day: \(day)") }
        return String(day)
    }
}
