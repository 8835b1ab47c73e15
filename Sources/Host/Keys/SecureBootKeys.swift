import Foundation

/// The keys of Secure Boot: platform key, key exchange key and the one that programs are signed with (UEFI 2.10, section 32.3), each
/// RSA-3072 with a certificate of its own. Firmware takes no others in practice: Debian 12's OVMF refuses elliptic curves.
/// OpenSSL and osslsigncode do the work.
public struct SecureBootKeys: Sendable {
    static let name = "secure-boot"
    public static let names = ["PK", "KEK", "db"]
    private let keys: KeyFolder

    public init(_ keys: KeyFolder) { self.keys = keys }

    /// Whether the set has any, be they damaged.
    public func areThere() throws(KeyError) -> Bool { try keys.opened().isThere(Self.name) }

    private func opened() throws(KeyError) -> OpenFolder { try keys.opened().folder(Self.name) }

    /// - Throws: where `create` could not even begin.
    static func requirePrograms(owner: String) throws(KeyError) {
        guard !owner.isEmpty, owner.utf8.count <= 48, owner.utf8.allSatisfy({ 0x20...0x7E ~= $0 && $0 != 0x2F }) else {
            throw .system("an owner's name has 1 to 48 printable letters, and no /")
        }
        _ = try Program.run("openssl", ["version"])
    }

    /// Makes all three in a new set of keys. A private key goes by a pipe from the program that makes it to those that encrypt it
    /// (scrypt and AES-256) and use it, and to the disk encrypted alone.
    static func create(in keys: OpenFolder, name owner: String, _ passphrase: Passphrase) throws(KeyError) {
        try requirePrograms(owner: owner)
        let files = try keys.folder(name, mayBeNew: true)
        for name in names { try make(name, owner, passphrase, in: files) }
    }

    private static func make(
        _ name: String, _ owner: String, _ passphrase: Passphrase, in files: OpenFolder
    ) throws(KeyError) {
        let plain = try Program.run("openssl", ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"])
        let secret = try Program.run(
            "openssl", ["pkcs8", "-topk8", "-scrypt", "-passout", "env:BULKHEAD_PASSPHRASE"], input: plain, passphrase)
        try files.replace("\(name).key", secret)
        let certificate = try Program.run(
            "openssl",
            [
                "req", "-new", "-x509", "-sha384", "-days", "7300", "-subj", "/CN=\(owner) \(name)",
                "-key", "/dev/stdin", "-passin", "env:BULKHEAD_PASSPHRASE",
            ], input: secret, passphrase)
        try files.replace("\(name).crt", certificate, mode: 0o644)
        // What menus of firmware read.
        let binary = try Program.run("openssl", ["x509", "-outform", "DER"], input: certificate)
        try files.replace("\(name).cer", binary, mode: 0o644)
    }

    /// The UEFI application with a signature (Authenticode, SHA-384).
    /// - Parameter scratch: an empty folder that no other user can write to, in memory if there is one: osslsigncode would follow the
    ///   links of the keys' own, so it gets a copy of the (encrypted) key.
    public func sign(_ program: Data, _ passphrase: Passphrase, in scratch: URL) throws(KeyError) -> Data {
        let files = try opened(), copies = try OpenFolder(scratch)
        let key = try files.read("db.key")
        try EncryptedKeyFile.require(key, file: files.path("db.key"))
        try copies.replace("db.key", key)
        try copies.replace("db.crt", files.read("db.crt"))
        try copies.replace("program", program)
        _ = try Program.run(
            "osslsigncode",
            [
                "sign", "-h", "sha384", "-certs", copies.path("db.crt"), "-key", copies.path("db.key"),
                "-readpass", "/dev/stdin", "-in", copies.path("program"), "-out", copies.path("signed"),
            ], input: Data(passphrase.bytes))
        // With what rights it is made is osslsigncode's and the umask's to say.
        return try copies.read("signed", isScratch: true)
    }

    /// Whether a UEFI application is signed by this db key, and by no other. osslsigncode is content with one signature of several,
    /// nested in another's; firmware looks at the outer one.
    /// - Parameter scratch: as for `sign`.
    /// - Throws: `KeyError` where there is no osslsigncode: then nobody knows.
    public func isSigned(_ program: Data, in scratch: URL) throws(KeyError) -> Bool {
        _ = try Program.run("osslsigncode", ["--version"])
        let copies = try OpenFolder(scratch)
        try copies.replace("db.crt", opened().read("db.crt"))
        try copies.replace("program", program)
        let words = try? Program.run(
            "osslsigncode", ["verify", "-CAfile", copies.path("db.crt"), "-in", copies.path("program")])
        let lines = words.map { String(decoding: $0, as: UTF8.self).split(whereSeparator: \.isNewline) } ?? []
        return lines.count { $0.hasPrefix("Signature Index:") } == 1
    }
}
