import Foundation
import Keys
import Logging

/// The authority's list, as its file is now: looked at for every call, so that who is revoked has no further one.
final class ClientCertificates {
    private let folder: URL
    private let path: String
    private let log: Logger
    private var list = CertificateList()
    /// nil: there is no list that counts.
    private var version: Version?
    /// When it was tried last, seconds since 1970: whatever kept it from being read may be over.
    private var tried = 0
    /// What could not be read then.
    private var failed: Version?
    private var fault: String?

    /// What tells a file's content from what it was.
    private struct Version: Equatable {
        private let numbers: [Int]

        /// nil: there is no file.
        init?(_ path: String) {
            var facts = stat()
            // The structure is one of the call's own kind.
            guard unsafe stat(path, &facts) == 0 else { return nil }
            numbers = [
                Int(truncatingIfNeeded: facts.st_dev), Int(truncatingIfNeeded: facts.st_ino), Int(facts.st_size),
                Int(facts.st_mode), Int(facts.st_uid), facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec,
                facts.st_ctim.tv_sec, facts.st_ctim.tv_nsec,
            ]
        }
    }

    /// - Throws: `KeyError` when there is no list.
    init(_ folder: String, log: Logger) throws(KeyError) {
        self.folder = URL(filePath: folder, directoryHint: .isDirectory)
        self.log = log
        path = folder + "/" + CertificateList.fileName
        try read(Version(path), time(nil))
    }

    private func read(_ new: Version?, _ now: Int) throws(KeyError) {
        (version, tried) = (nil, now)
        list = try CertificateList(in: folder)
        (version, fault) = (new, nil)
    }

    private func look() {
        // Before it is read: what changes meanwhile is read at the next look.
        let now = Version(path), second = time(nil)
        if let now, now == version { return }
        if version == nil, now == failed, second == tried { return }
        failed = now
        do { try read(now, second) } catch {
            if fault != error.reason { log.error("no client's certificate counts: \(error.reason)") }
            fault = error.reason
        }
    }

    /// Whose a certificate is, by its fingerprint; else, in words, why it does not count.
    func name(of fingerprint: String) -> Result<String, CertificateRefusal> {
        look()
        guard version != nil else { return .failure(CertificateRefusal("no certificate counts now")) }
        guard let entry = list.entry(of: fingerprint) else {
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
