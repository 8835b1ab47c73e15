import Foundation
import Keys

/// The authority's list, as its file is now: looked at for every call, so that who is revoked has no further one.
final class ClientCertificates {
    private let folder: URL
    private var list: Result<CertificateList, KeyError>
    private var version: Version?

    /// What tells a file's content from what it was.
    private struct Version: Equatable {
        private let numbers: [Int]

        /// nil: there is no file.
        init?(_ path: String) {
            var facts = stat()
            // The structure is one of the call's own kind.
            guard unsafe stat(path, &facts) == 0 else { return nil }
            numbers = [
                Int(truncatingIfNeeded: facts.st_dev), Int(truncatingIfNeeded: facts.st_ino), facts.st_size,
                facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec, facts.st_ctim.tv_sec, facts.st_ctim.tv_nsec,
            ]
        }
    }

    /// - Throws: `KeyError` when there is no list.
    init(_ folder: String) throws(KeyError) {
        self.folder = URL(filePath: folder, directoryHint: .isDirectory)
        list = .success(CertificateList())
        look()
        _ = try list.get()
    }

    private func look() {
        // Before it is read: what changes meanwhile is read at the next look.
        let now = Version(folder.appending(path: CertificateList.fileName).path)
        guard now == nil || now != version else { return }
        version = now
        let folder = folder
        list = Result { () throws(KeyError) in try CertificateList(in: folder) }
    }

    /// Whose a certificate is, by its fingerprint; else, in words, why it does not count.
    func name(of fingerprint: String) -> Result<String, CertificateRefusal> {
        look()
        let found: CertificateList
        switch list {
        case .success(let list): found = list
        case .failure(let error): return .failure(CertificateRefusal("no certificate counts: \(error.reason)"))
        }
        guard let entry = found.entry(of: fingerprint) else {
            return .failure(CertificateRefusal("certificate \(fingerprint.prefix(16)) is not in the authority's list"))
        }
        switch entry.state {
        case .client: return .success(entry.name)
        case .server: return .failure(CertificateRefusal("the certificate of \(entry.name) is a server's"))
        case .revoked: return .failure(CertificateRefusal("a certificate of \(entry.name) is revoked"))
        }
    }
}

struct CertificateRefusal: Error {
    let words: String
    init(_ words: String) { self.words = words }
}

/// A client's certificate, whose key it has shown to have.
struct ClientCertificate: Equatable {
    let name: String
    let fingerprint: String
    /// When it is good no more, seconds since 1970.
    let end: Int
}
