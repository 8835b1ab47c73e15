import Foundation

/// What a server shows its clients, and whose certificates it takes: the files of an authority's `servers/NAME`.
public struct ServerCredentials: Sendable {
    /// PEM. Of the authority there is one certificate: nobody else's clients are let in.
    public let authority: [UInt8]
    public let certificate: [UInt8]
    public let key: [UInt8]

    /// - Throws: `KeyError` where a file is missing, others may write it or, of the key, read it.
    public init(in folder: URL) throws(KeyError) {
        let files = try OpenFolder(folder).closedToOthers()
        func read(_ name: String) throws(KeyError) -> [UInt8] {
            do { return Array(try files.read(name)) } catch .missing(let file) {
                throw .system("there is no \(file); `bulkhead pki issue --server` makes it")
            }
        }
        authority = try read(CertificateAuthority.certificateName)
        certificate = try read("servercert.pem")
        let mode = try? FileManager.default.attributesOfItem(atPath: files.path("serverkey.pem"))[.posixPermissions]
        guard ((mode as? Int) ?? 0) & 0o077 == 0 else {
            throw .system("others may read \(files.path("serverkey.pem")): chmod 600 it, and make another if they did")
        }
        key = try read("serverkey.pem")
    }
}
