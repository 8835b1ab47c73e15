import Foundation

/// Which leaves of a key are still unused: a file that is replaced, and is on the disk, before a leaf is used. So no leaf is used
/// twice, whenever the program ends or the power fails; some are never used.
///
/// It names its key and is authenticated by one derived from the key's seed: no other key's file, and no edited one, is taken.
/// An old one of the same key is: no file can tell. All but `read` is for whoever has the folder's lock.
struct LeafState {
    let files: OpenFolder
    let key: String
    private static let magic = "bulkhead-leaves-1"
    private var path: String { files.path(KeyFolder.stateName) }

    init(_ files: OpenFolder, of key: [UInt8]) {
        self.files = files
        self.key = KeyFolder.fingerprint(key)
    }

    /// The next unused leaf, and one beyond the last that this copy of the key may use, as the file says it: for people.
    /// - Parameter leaves: how many the key has.
    func read(leaves: Int) throws(KeyError) -> Range<Int> { try parse(leaves).left }

    /// - Throws: `KeyError.state` for what this key has not written.
    func read(_ secret: LMSPrivateKey) throws(KeyError) -> Range<Int> {
        let (left, tag) = try parse(secret.leaves)
        guard Self.tag(left, key, secret) == tag else { throw .state(file: path) }
        return left
    }

    private func parse(_ leaves: Int) throws(KeyError) -> (left: Range<Int>, tag: String) {
        let text = String(decoding: try files.read(KeyFolder.stateName), as: UTF8.self)
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 7, words[0] == Self.magic, words[1] == key, words[2] == "next", words[4] == "end",
            let next = Int(words[3]), let end = Int(words[5]), 0 <= next, next <= end, end <= leaves,
            words[6].last == "\n"
        else { throw .state(file: path) }
        return (next..<end, String(words[6].dropLast()))
    }

    /// Takes `count` leaves: nobody gets them again. The caller may use them when this has returned.
    /// - Parameter fromEnd: the last ones, for a copy of the key.
    func take(_ count: Int, fromEnd: Bool = false, _ secret: LMSPrivateKey) throws(KeyError) -> Range<Int> {
        let left = try read(secret)
        guard left.count >= count, count > 0 else { throw KeyError.exhausted(leaves: left.upperBound) }
        let border = fromEnd ? left.upperBound - count : left.lowerBound + count
        try write(fromEnd ? left.lowerBound..<border : border..<left.upperBound, secret)
        return fromEnd ? border..<left.upperBound : left.lowerBound..<border
    }

    func write(_ left: Range<Int>, _ secret: LMSPrivateKey) throws(KeyError) {
        let line = "\(Self.words(left, key)) \(Self.tag(left, key, secret))\n"
        try files.replace(KeyFolder.stateName, Data(line.utf8))
    }

    private static func words(_ left: Range<Int>, _ key: String) -> String {
        "\(magic) \(key) next \(left.lowerBound) end \(left.upperBound)"
    }

    private static func tag(_ left: Range<Int>, _ key: String, _ secret: LMSPrivateKey) -> String {
        let derived = HMAC(key: secret.seed).authenticate(Array("Bulkhead leaf state".utf8))
        return SecretFile.hexadecimal(HMAC(key: derived).authenticate(Array(words(left, key).utf8)))
    }
}
