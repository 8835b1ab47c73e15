import Foundation

/// An authority for the daemon's clients, in a folder: X.509 certificates, made by OpenSSL. Its own key is encrypted.
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
    public static let maxDays = 3650
    private static let clients = "clients", servers = "servers"

    /// Makes it in a new folder, which is there whole or not at all.
    /// - Parameter name: what its certificate calls it.
    public func create(name: String, _ passphrase: Passphrase) throws(KeyError) {
        guard (1...64).contains(name.utf8.count), name.utf8.allSatisfy(Self.isPlain) else {
            throw .system("an authority's name has 1 to 64 letters, digits, blanks and . _ @ -")
        }
        let keys = KeyFolder(folder.path)
        try keys.requireNew()
        _ = try Program.run("openssl", ["version"])
        try keys.make { (new: OpenFolder) throws(KeyError) in
            let made = try Self.makeAuthority(name, passphrase)
            try new.replace(Self.keyName, made.secret)
            try new.replace(CertificateList.fileName, Data(), mode: 0o644)
            try new.replace(Self.certificateName, made.certificate, mode: 0o644)
        }
    }

    /// Nothing that means anything to OpenSSL.
    private static func isPlain(_ byte: UInt8) -> Bool {
        CertificateList.isLetter(byte) || [0x20, 0x2E, 0x5F, 0x40, 0x2D].contains(byte)
    }

    public func list() throws(KeyError) -> CertificateList { try CertificateList(in: opened()) }

    private func opened() throws(KeyError) -> OpenFolder {
        guard OpenFolder.isThere(folder.appending(path: Self.certificateName)) else {
            throw .system("\(folder.path) is no authority; `bulkhead pki init` makes one in a new folder")
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
        Self.clean(files)
        return try body(files)
    }

    /// What a killed program has left half written.
    private static func clean(_ files: OpenFolder) {
        for name in (try? files.names()) ?? [] where name.hasPrefix(OpenFolder.partialPrefix) {
            files.remove(file: name)
        }
    }

    /// Makes a client's certificate, and its key where there is no request.
    /// - Parameters:
    ///   - name: by which a policy knows it.
    ///   - request: a certificate request of whoever has the key already (PKCS 10); of it the public key alone is taken.
    public func issue(
        client name: String, request: Data? = nil, days: Int, _ passphrase: Passphrase
    ) throws(KeyError) -> CertificateList.Entry {
        try issue(.client, name, [], request, days, passphrase)
    }

    /// Makes a server's certificate and key.
    /// - Parameter hosts: names and addresses by which clients reach it.
    public func issue(
        server name: String, hosts: [String], days: Int, _ passphrase: Passphrase
    ) throws(KeyError) -> CertificateList.Entry {
        guard !hosts.isEmpty else { throw .system("a server has one name or address at least") }
        return try issue(.server, name, hosts, nil, days, passphrase)
    }

    /// It is in the lists before anybody has it.
    private func issue(
        _ state: CertificateList.State, _ name: String, _ hosts: [String], _ request: Data?, _ days: Int,
        _ passphrase: Passphrase
    ) throws(KeyError) -> CertificateList.Entry {
        guard CertificateList.isName(name) else {
            throw .system("\"\(name)\" is no certificate's name: it has \(CertificateList.nameRule)")
        }
        guard (1...Self.maxDays).contains(days) else {
            throw .system("a certificate is good for 1 to \(Self.maxDays) days")
        }
        return try locked { (files: OpenFolder) throws(KeyError) in
            var list = try CertificateList(in: files)
            if state == .client, let good = list.good(name) {
                throw .system("\(name) has a certificate that is good until \(good.until): revoke it first")
            }
            let made = try Self.make(state, name, hosts, request, days, passphrase, in: files)
            guard list.add(made.entry), !list.isFull else {
                throw .system("\(files.path(CertificateList.fileName)) is full: make another authority")
            }
            let place = try files.folder(state == .client ? Self.clients : Self.servers, mayBeNew: true)
                .folder(name, mayBeNew: true)
            let data = Data(list.text.utf8), stale = tellServers(data, in: files)
            guard stale.isEmpty else {
                throw .system("not done, since \(stale): mend or remove that and do it again")
            }
            try files.replace(CertificateList.fileName, data, mode: 0o644)
            Self.clean(place)
            try place.replace(Self.certificateName, files.read(Self.certificateName), mode: 0o644)
            // No key of an earlier one stays beside the certificate; a server's is never without.
            let key = "\(state.rawValue)key.pem"
            if let made = made.key { try place.replace(key, made) } else { place.remove(file: key) }
            try place.replace("\(state.rawValue)cert.pem", made.certificate, mode: 0o644)
            return made.entry
        }
    }

    /// Notes that the certificates of a client count no more, here before anywhere: whatever is done next says so too. Done again, it
    /// writes the lists again.
    /// - Returns: those that did until now.
    /// - Throws: `KeyError` also where it could not be told to each server.
    public func revoke(_ name: String) throws(KeyError) -> [CertificateList.Entry] {
        try locked { (files: OpenFolder) throws(KeyError) in
            var list = try CertificateList(in: files)
            let revoked = list.revoke(name)
            guard list.entries.contains(where: { $0.name == name && $0.state == .revoked }) else {
                let isServer = list.entries.contains { $0.name == name }
                throw .system(
                    isServer
                        ? "\(name) is a server: what it shows ends with its time, or with another authority"
                        : "\(name) has no certificate")
            }
            let data = Data(list.text.utf8)
            try files.replace(CertificateList.fileName, data, mode: 0o644)
            let stale = tellServers(data, in: files)
            guard stale.isEmpty else {
                throw .system("revoked here, but not in \(stale): mend or remove that and do it again")
            }
            return revoked
        }
    }

    /// Writes the list where each server has its copy.
    /// - Returns: where it could not, and why; empty: it is everywhere.
    private func tellServers(_ list: Data, in files: OpenFolder) -> String {
        guard files.isThere(Self.servers) else { return "" }
        var stale: [String] = []
        do {
            let servers = try files.folder(Self.servers)
            for name in try servers.names().sorted() {
                do {
                    let server = try servers.folder(name)
                    Self.clean(server)
                    try server.replace(CertificateList.fileName, list, mode: 0o644)
                } catch { stale.append("\(servers.path(name)) (\(error.reason))") }
            }
        } catch { stale.append("\(files.path(Self.servers)) (\(error.reason))") }
        return stale.joined(separator: ", ")
    }
}
