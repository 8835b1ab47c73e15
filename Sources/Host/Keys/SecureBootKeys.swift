import Foundation

/// The keys of Secure Boot: platform key, key exchange key and the one that programs are signed with (UEFI 2.10, section 32.3), each
/// RSA-3072 with a certificate of its own. Firmware takes no others in practice: Debian 12's OVMF refuses elliptic curves.
/// OpenSSL and osslsigncode do the work.
public struct SecureBootKeys: Sendable {
    public let folder: URL
    public static let names = ["PK", "KEK", "db"]

    public init(_ keys: KeyFolder) { folder = keys.folder.appending(path: "secure-boot") }

    public func certificate(_ name: String) -> URL { folder.appending(path: "\(name).crt") }
    private func key(_ name: String) -> URL { folder.appending(path: "\(name).key") }

    /// Makes all three. A private key leaves OpenSSL only encrypted (scrypt and AES-256).
    public func create(name owner: String, _ passphrase: Passphrase) throws(KeyError) {
        guard !owner.isEmpty, owner.utf8.count <= 48, owner.utf8.allSatisfy({ 0x20...0x7E ~= $0 && $0 != 0x2F }) else {
            throw .system("an owner's name has 1 to 48 printable letters, and no /")
        }
        do {
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch { throw .system("\(folder.path) cannot be made") }
        for name in Self.names {
            let plain = try Program.run(
                "openssl", ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"])
            let secret = try Program.run(
                "openssl", ["pkcs8", "-topk8", "-scrypt", "-passout", "env:BULKHEAD_PASSPHRASE"], input: plain,
                passphrase)
            try DurableFile.replace(key(name), secret)
            let certificate = try Program.run(
                "openssl",
                [
                    "req", "-new", "-x509", "-sha384", "-days", "7300", "-subj", "/CN=\(owner) \(name)",
                    "-key", key(name).path, "-passin", "env:BULKHEAD_PASSPHRASE",
                ], input: Data(), passphrase)
            try DurableFile.replace(self.certificate(name), certificate, mode: 0o644)
            // What menus of firmware read.
            let binary = try Program.run("openssl", ["x509", "-outform", "DER"], input: certificate)
            try DurableFile.replace(folder.appending(path: "\(name).cer"), binary, mode: 0o644)
        }
    }

    /// Signs a UEFI application (Authenticode, SHA-384).
    public func sign(_ program: URL, to output: URL, _ passphrase: Passphrase) throws(KeyError) {
        guard FileManager.default.fileExists(atPath: key("db").path) else { throw .missing(file: key("db").path) }
        try? FileManager.default.removeItem(at: output)
        _ = try Program.run(
            "osslsigncode",
            [
                "sign", "-h", "sha384", "-certs", certificate("db").path, "-key", key("db").path,
                "-readpass", "/dev/stdin", "-in", program.path, "-out", output.path,
            ], input: Data(passphrase.bytes))
    }

    /// Whether a UEFI application is signed by this db key.
    public func isSigned(_ program: URL) -> Bool {
        (try? Program.run(
            "osslsigncode", ["verify", "-CAfile", certificate("db").path, "-in", program.path])) != nil
    }
}

/// Runs a program of the system. A passphrase goes by its environment, which only the same user can read, never by its command line.
enum Program {
    static func run(
        _ name: String, _ arguments: [String], input: Data = Data(), _ passphrase: Passphrase? = nil
    ) throws(KeyError) -> Data {
        let process = Process(), output = Pipe(), errors = Pipe(), stdin = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [name] + arguments
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = stdin
        if let passphrase {
            process.environment = ProcessInfo.processInfo.environment.merging(["BULKHEAD_PASSPHRASE": passphrase.text])
            { $1 }
        }
        do {
            try process.run()
            // Less than a pipe holds.
            try stdin.fileHandleForWriting.write(contentsOf: input)
            try stdin.fileHandleForWriting.close()
        } catch { throw .system("\(name) cannot be run: install openssl and osslsigncode") }
        let content = output.fileHandleForReading.readDataToEndOfFile()
        let words = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            let last = words.split(separator: "\n").last.map(String.init) ?? "status \(process.terminationStatus)"
            throw .system("\(name) \(arguments[0]): \(last)")
        }
        return content
    }
}
