import Foundation

/// What a server shows its clients, and whose certificates it takes: the files of an authority's `servers/NAME`.
public struct ServerCredentials: Sendable {
    /// PEM. Of the authority there is one certificate: nobody else's clients are let in.
    public let authority: [UInt8]
    public let certificate: [UInt8]
    public let key: [UInt8]

    /// - Throws: `KeyError` where a file is missing, others may write it or, of the key, read it.
    public init(in folder: URL) throws(KeyError) {
        let files = try OpenFolder.trusted(folder)
        func read(_ name: String, closed: mode_t = 0o022) throws(KeyError) -> [UInt8] {
            do { return Array(try files.read(name, closed: closed, ofOwner: true)) } catch .missing(let file) {
                throw .system("there is no \(file): `bulkhead pki issue --server` makes it")
            } catch .exposed(let file) {
                throw .system("others may read or write \(file): make another, with another key, if they did")
            }
        }
        authority = try read(CertificateAuthority.certificateName)
        certificate = try read("servercert.pem")
        key = try read("serverkey.pem", closed: 0o077)
    }
}
