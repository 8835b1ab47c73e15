import Foundation

extension KeyFolder {
    var revokedFile: URL { folder.appending(path: "revoked") }

    /// Fingerprints of keys that count no more.
    /// - Throws: `KeyError.damaged` for a list that cannot be read or that no `revoke` has written: then nobody knows.
    public func revokedKeys() throws(KeyError) -> [String] {
        guard DurableFile.isThere(revokedFile) else { return [] }
        guard let text = try? String(contentsOf: revokedFile, encoding: .utf8) else {
            throw .damaged(file: revokedFile.path)
        }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard lines.count > 1, lines.last == "",
            lines.dropLast().allSatisfy({ $0.wholeMatch(of: /[0-9a-f]{32}/) != nil })
        else { throw .damaged(file: revokedFile.path) }
        return lines.dropLast()
    }

    /// Notes that no signature of the present key counts any more; it signs nothing from now on.
    public func revoke() throws(KeyError) -> String {
        try locked { () throws(KeyError) in
            let fingerprint = Self.fingerprint(try publicKey())
            let all = try revokedKeys().filter { $0 != fingerprint } + [fingerprint]
            try DurableFile.replace(revokedFile, Data(all.map { $0 + "\n" }.joined().utf8), mode: 0o644)
            return fingerprint
        }
    }
}
