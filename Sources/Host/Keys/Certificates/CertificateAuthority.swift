import Foundation

/// An authority for the daemon's clients, in a folder: X.509 certificates with keys on P-256, made by OpenSSL. Its own key is encrypted.
///
///     cacert.pem, ca.key       its certificate and key
///     certificates             what it has made: `CertificateList`
///     clients/NAME             cacert.pem, clientcert.pem, clientkey.pem: what libvirt's clients take as `pkipath`
///     servers/NAME             cacert.pem, servercert.pem, serverkey.pem, certificates: what `bulkheadd --pki` takes
public struct CertificateAuthority: Sendable {
    public let folder: URL
    public init(_ path: String) { folder = URL(filePath: path, directoryHint: .isDirectory) }

    static let certificateName = "cacert.pem"
    static let keyName = "ca.key"
    /// Days for which the authority's own certificate is good, and the most of another's.
    private static let ownDays = 3650
    public static let maxDays = 3650

    /// Makes it in a new folder, which is there whole or not at all.
    /// - Parameter name: what its certificate calls it.
    public func create(name: String, _ passphrase: Passphrase) throws(KeyError) {
        let keys = KeyFolder(folder.path)
        try keys.requireNew()
        try SecureBootKeys.requirePrograms(owner: name)
        try keys.make { (new: OpenFolder) throws(KeyError) in
            let plain = try Self.newKey()
            let secret = try Program.run(
                "openssl", ["pkcs8", "-topk8", "-scrypt", "-passout", "env:BULKHEAD_PASSPHRASE"], input: plain,
                passphrase)
            let certificate = try Program.run(
                "openssl",
                Self.request(subject: name, days: Self.ownDays) + [
                    "-new", "-key", "/dev/stdin", "-addext", "basicConstraints=critical,CA:TRUE,pathlen:0",
                    "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                ], input: plain)
            try new.replace(Self.keyName, secret)
            try new.replace(CertificateList.fileName, Data(), mode: 0o644)
            try new.replace(Self.certificateName, certificate, mode: 0o644)
        }
    }

    private static func newKey() throws(KeyError) -> Data {
        try Program.run("openssl", ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"])
    }

    /// Nothing of the system's configuration gets into a certificate.
    private static func request(subject: String, days: Int) -> [String] {
        ["req", "-config", "/dev/null", "-x509", "-sha256", "-days", "\(days)", "-subj", "/CN=\(subject)"]
    }

    public func list() throws(KeyError) -> CertificateList { try CertificateList(in: opened()) }

    private func opened() throws(KeyError) -> OpenFolder {
        guard OpenFolder.isThere(folder.appending(path: Self.certificateName)) else {
            throw .system("\(folder.path) is no certificate authority; `bulkhead pki init` makes one in a new folder")
        }
        return try OpenFolder(folder).closedToOthers()
    }

    /// Runs `body` while no other program changes the folder.
    private func locked<T>(_ body: (OpenFolder) throws(KeyError) -> T) throws(KeyError) -> T {
        let files = try opened()
        // OpenSSL opens its files by their paths: nobody else may lay links among them.
        guard files.facts.st_uid == geteuid() else {
            throw .system("\(folder.path) is another user's; let him do it")
        }
        let lock = try files.lock("pki.lock")
        defer { close(lock) }
        while flock(lock, LOCK_EX) != 0 { if errno != EINTR { throw .busy(folder: folder.path) } }
        for name in (try? files.names()) ?? [] where name.hasPrefix(OpenFolder.partialPrefix) {
            files.remove(file: name)
        }
        return try body(files)
    }

    /// Makes a client's certificate, and its key where there is no request.
    /// - Parameters:
    ///   - name: by which a policy knows it.
    ///   - request: a certificate request of whoever has the key already (PKCS 10); of it the public key alone is taken.
    public func issue(
        client name: String, request: Data? = nil, days: Int, _ passphrase: Passphrase
    ) throws(KeyError) -> CertificateList.Entry {
        try locked { (files: OpenFolder) throws(KeyError) in
            try require(name, days)
            guard try !CertificateList(in: files).entries.contains(where: { $0.name == name && $0.state == .client })
            else {
                throw .system("\(name) has a certificate that is good; `bulkhead pki revoke` it before another is made")
            }
            let place = try files.folder("clients", mayBeNew: true).folder(name, mayBeNew: true)
            return try issue(
                files, place, ("client", name), request, days, passphrase,
                ["-addext", "extendedKeyUsage=clientAuth"])
        }
    }

    /// Makes a server's certificate and key.
    /// - Parameter hosts: names and addresses by which clients reach it.
    public func issue(
        server name: String, hosts: [String], days: Int, _ passphrase: Passphrase
    ) throws(KeyError) -> CertificateList.Entry {
        try locked { (files: OpenFolder) throws(KeyError) in
            try require(name, days)
            guard !hosts.isEmpty else { throw .system("a server has one name or address at least") }
            var names: [String] = []
            for host in hosts {
                guard let found = Self.alternativeName(host) else {
                    throw .system("\"\(host)\" is no name of a host and no address")
                }
                names.append(found)
            }
            let place = try files.folder("servers", mayBeNew: true).folder(name, mayBeNew: true)
            return try issue(
                files, place, ("server", name), nil, days, passphrase,
                [
                    "-addext", "extendedKeyUsage=serverAuth",
                    "-addext", "subjectAltName=\(names.joined(separator: ","))",
                ])
        }
    }

    static func alternativeName(_ host: String) -> String? {
        var v4 = in_addr(), v6 = in6_addr()
        if unsafe inet_pton(AF_INET, host, &v4) == 1 || inet_pton(AF_INET6, host, &v6) == 1 { return "IP:\(host)" }
        guard host.utf8.count <= 253,
            host.wholeMatch(of: /[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*/)
                != nil
        else { return nil }
        return "DNS:\(host)"
    }

    private func require(_ name: String, _ days: Int) throws(KeyError) {
        guard CertificateList.isName(name) else {
            throw .system("\"\(name)\" is no certificate's name: it has \(CertificateList.nameRule)")
        }
        guard (1...Self.maxDays).contains(days) else {
            throw .system("a certificate is good for 1 to \(Self.maxDays) days")
        }
    }

    /// It is in the list before anybody has it.
    private func issue(
        _ files: OpenFolder, _ place: OpenFolder, _ whose: (kind: String, name: String), _ request: Data?, _ days: Int,
        _ passphrase: Passphrase, _ more: [String]
    ) throws(KeyError) -> CertificateList.Entry {
        var list = try CertificateList(in: files)
        let own = try files.read(Self.keyName)
        try EncryptedKeyFile.require(own, file: files.path(Self.keyName))
        do {
            _ = try Program.run(
                "openssl", ["pkey", "-noout", "-passin", "env:BULKHEAD_PASSPHRASE"], input: own, passphrase)
        } catch { throw .passphrase(file: files.path(Self.keyName)) }
        let key = request == nil ? try Self.newKey() : nil
        let certificate = try Program.run(
            "openssl",
            Self.request(subject: whose.name, days: days)
                + [
                    "-CA", files.path(Self.certificateName), "-CAkey", files.path(Self.keyName), "-passin",
                    "env:BULKHEAD_PASSPHRASE", "-addext", "basicConstraints=critical,CA:FALSE", "-addext",
                    "keyUsage=critical,digitalSignature,keyEncipherment",
                ] + more + (key == nil ? ["-in", "/dev/stdin"] : ["-new", "-key", "/dev/stdin"]),
            input: key ?? request ?? Data(), passphrase)
        let entry = CertificateList.Entry(
            fingerprint: CertificateList.fingerprint(try Self.der(certificate)),
            state: whose.kind == "server" ? .server : .client, name: whose.name, until: Self.day(after: days))
        guard list.add(entry), list.text.utf8.count <= CertificateList.maxSize else {
            throw .system("\(files.path(CertificateList.fileName)) is full")
        }
        try publish(list, in: files)
        try place.replace(Self.certificateName, files.read(Self.certificateName), mode: 0o644)
        try place.replace("\(whose.kind)cert.pem", certificate, mode: 0o644)
        if let key { try place.replace("\(whose.kind)key.pem", key) }
        if whose.kind == "server" {
            try place.replace(CertificateList.fileName, Data(list.text.utf8), mode: 0o644)
        }
        return entry
    }

    /// Notes that the certificates of a client count no more.
    /// - Returns: those that did until now.
    public func revoke(_ name: String) throws(KeyError) -> [CertificateList.Entry] {
        try locked { (files: OpenFolder) throws(KeyError) in
            var list = try CertificateList(in: files)
            let revoked = list.revoke(name)
            guard !revoked.isEmpty else { throw .system("\(name) has no certificate that is good") }
            try publish(list, in: files)
            return revoked
        }
    }

    /// Writes the list, here and where each server has its copy.
    private func publish(_ list: CertificateList, in files: OpenFolder) throws(KeyError) {
        let data = Data(list.text.utf8)
        try files.replace(CertificateList.fileName, data, mode: 0o644)
        guard files.isThere("servers") else { return }
        let servers = try files.folder("servers")
        for name in try servers.names() {
            try servers.folder(name).replace(CertificateList.fileName, data, mode: 0o644)
        }
    }

    static func der(_ certificate: Data) throws(KeyError) -> [UInt8] {
        let lines = String(decoding: certificate, as: UTF8.self).split(separator: "\n")
        guard lines.first == "-----BEGIN CERTIFICATE-----", lines.last == "-----END CERTIFICATE-----",
            let data = Data(base64Encoded: lines.dropFirst().dropLast().joined())
        else { throw .system("openssl has made no certificate") }
        return Array(data)
    }

    private static func day(after days: Int) -> String {
        Date(timeIntervalSinceNow: Double(days) * 86400).formatted(.iso8601.year().month().day())
    }
}
