import Foundation

extension KeyFolder {
    static let revokedName = "revoked"

    /// Fingerprints of keys that count no more.
    /// - Throws: `KeyError` for a list that cannot be read or that no `revoke` has written: then nobody knows.
    public func revokedKeys() throws(KeyError) -> [String] { try revokedKeys(opened()) }

    func revokedKeys(_ files: OpenFolder) throws(KeyError) -> [String] {
        guard files.isThere(Self.revokedName) else { return [] }
        let text = String(decoding: try files.read(Self.revokedName), as: UTF8.self)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard lines.count > 1, lines.last == "",
            lines.dropLast().allSatisfy({ $0.wholeMatch(of: /[0-9a-f]{32}/) != nil })
        else { throw .damaged(file: files.path(Self.revokedName)) }
        return lines.dropLast()
    }

    /// Notes that no signature of the present key counts any more; it signs nothing from now on.
    public func revoke() throws(KeyError) -> String {
        try locked { (files: OpenFolder) throws(KeyError) in
            let fingerprint = Self.fingerprint(try publicKey(files))
            let all = try revokedKeys(files).filter { $0 != fingerprint } + [fingerprint]
            try files.replace(Self.revokedName, Data(all.map { $0 + "\n" }.joined().utf8), mode: 0o644)
            return fingerprint
        }
    }
}
