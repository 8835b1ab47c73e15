import Foundation
import Testing
import Trust

@testable import Keys

/// A folder that is gone at the end.
final class TemporaryFolder {
    let path: String
    init() {
        path =
            FileManager.default.temporaryDirectory.appending(path: "bulkhead-keys-\(UUID().uuidString.prefix(8))").path
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }
    var keys: KeyFolder { KeyFolder(path + "/keys") }
}

let passphrase = Passphrase("correct horse")
/// A guess costs nothing: for tests.
let cheap = Scrypt(cost: 2)

/// The leaf of a signed message, behind the number of levels (RFC 8554, section 5.4: the first word of the signature, with
/// which the message ends).
func leaf(of signed: [UInt8], height: UInt32 = 5) throws -> Int {
    let parameters = try #require(LMSParameters(tree: 9 + height / 5, oneTime: 7))
    let start = signed.count - parameters.signatureBytes
    try #require(start > 4)
    return signed[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
}

@Suite struct KeyFolderTests {
    let place = TemporaryFolder()

    @Test func signsAndCounts() throws {
        let keys = place.keys
        try keys.create(height: 5, passphrase, cheap)
        let message = Array("a manifest".utf8)
        let signed = try keys.sign([message, message], for: "manifest", passphrase)
        let key = try keys.publicKey()
        #expect(key.count == 52)
        for (i, one) in signed.enumerated() {
            #expect(COSESign1.isSigned(one, by: key, for: "manifest"))
            #expect(!COSESign1.isSigned(one, by: key, for: "launch"))
            #expect(try leaf(of: one) == i)
        }
        let summary = try keys.summary()
        #expect(summary.next == 2 && summary.left == 30 && summary.signatures == 32 && !summary.isRevoked)
        #expect(summary.algorithm == "LMS SHA-256/192, 5 levels, W4")
        #expect(throws: KeyError.exists(file: keys.folder.path)) { try keys.create(height: 5, passphrase, cheap) }
    }

    /// Whatever one file of a set is left: nothing of it is replaced, and nothing is left beside it.
    @Test func aFolderWithAnythingInItIsNotTouched() throws {
        let files = FileManager.default
        for name in ["manifest-key.pub", "manifest-key.secret", "manifest-key.state", "old/x", "secure-boot/db.key"] {
            let keys = KeyFolder(place.path + "/set"), file = keys.folder.appending(path: name)
            try files.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data("mine".utf8).write(to: file)
            #expect(throws: KeyError.exists(file: keys.folder.path)) { try keys.create(height: 5, passphrase, cheap) }
            #expect(try Data(contentsOf: file) == Data("mine".utf8))
            #expect(try files.contentsOfDirectory(atPath: place.path) == ["set"])
            try files.removeItem(at: keys.folder)
        }
        // An empty one is new. What fails leaves nothing.
        let keys = KeyFolder(place.path + "/set")
        try files.createDirectory(at: keys.folder, withIntermediateDirectories: true)
        #expect(throws: KeyError.self) { try keys.create(height: 5, passphrase, cheap, secureBoot: "a/b") }
        #expect(throws: KeyError.self) { try keys.create(height: 6, passphrase, cheap) }
        #expect(try files.contentsOfDirectory(atPath: place.path) == ["set"])
        try keys.create(height: 5, passphrase, cheap)
        #expect(keys.isUsable)
    }

    @Test func wrongPassphraseUsesNoLeaf() throws {
        let keys = place.keys
        try keys.create(height: 5, passphrase, cheap)
        #expect(throws: KeyError.passphrase(file: place.path + "/keys/manifest-key.secret")) {
            try keys.sign([[1]], for: "manifest", Passphrase("another"))
        }
        #expect(try keys.summary().next == 0)
    }

    @Test func whenAllLeavesAreUsedNothingIsSigned() throws {
        let keys = place.keys
        try keys.create(height: 5, passphrase, cheap)
        #expect(throws: KeyError.exhausted(leaves: 32)) {
            try keys.sign(Array(repeating: [1], count: 33), for: "manifest", passphrase)
        }
        #expect(try keys.sign(Array(repeating: [1], count: 32), for: "manifest", passphrase).count == 32)
        #expect(throws: KeyError.exhausted(leaves: 32)) { try keys.sign([[1]], for: "manifest", passphrase) }
    }

    @Test func aBackupHasLeavesOfItsOwn() throws {
        let keys = place.keys, copy = KeyFolder(place.path + "/copy")
        try keys.create(height: 5, passphrase, cheap)
        _ = try keys.sign([[1]], for: "manifest", passphrase)
        try keys.backup(to: copy.folder.path, leaves: 8, passphrase)
        #expect(try keys.summary().left == 23 && copy.summary().left == 8)
        var leaves: [Int] = []
        for (folder, count) in [(keys, 23), (copy, 8)] {
            for signed in try folder.sign(Array(repeating: [1], count: count), for: "manifest", passphrase) {
                #expect(COSESign1.isSigned(signed, by: try keys.publicKey(), for: "manifest"))
                leaves.append(try leaf(of: signed))
            }
            #expect(throws: KeyError.self) { try folder.sign([[1]], for: "manifest", passphrase) }
        }
        #expect(Set(leaves) == Set(1..<32) && leaves.count == 31)
        #expect(throws: KeyError.self) { try keys.backup(to: copy.folder.path, leaves: 1, passphrase) }
    }

    @Test func aBackupHasAllThatCounts() throws {
        let keys = place.keys, copy = KeyFolder(place.path + "/copy"), none = KeyFolder(place.path + "/none")
        try keys.create(height: 5, passphrase, cheap)
        _ = try keys.revoke()
        #expect(throws: KeyError.self) { try keys.backup(to: none.folder.path, leaves: 1, passphrase) }
        try keys.rotate(height: 5, passphrase, cheap)
        let secureBoot = keys.secureBoot
        try FileManager.default.createDirectory(at: secureBoot, withIntermediateDirectories: true)
        for name in SecureBootKeys.names {
            try Data(name.utf8).write(to: secureBoot.appending(path: "\(name).key"))
        }
        #expect(throws: KeyError.passphrase(file: keys.folder.path + "/manifest-key.secret")) {
            try keys.backup(to: none.folder.path, leaves: 1, Passphrase("another"))
        }
        try keys.backup(to: copy.folder.path, leaves: 3, passphrase)
        #expect(try copy.revokedKeys() == keys.revokedKeys() && copy.revokedKeys().count == 1)
        #expect(try Data(contentsOf: copy.secureBoot.appending(path: "db.key")) == Data("db".utf8))
        #expect(try copy.summary().left == 3 && keys.summary().left == 29)
        #expect(!FileManager.default.fileExists(atPath: none.folder.path))
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.path).sorted() == ["copy", "keys"])
    }

    /// A list that nobody can read, or that was cut off or edited, revokes everything.
    @Test func aBadListOfRevokedKeysIsRefused() throws {
        let keys = place.keys, list = keys.folder.appending(path: "revoked")
        try keys.create(height: 5, passphrase, cheap)
        let other = String(repeating: "a", count: 32)
        for text in ["", "\n", other, other.dropLast() + "\n", other + "\n\n", other.uppercased() + "\n", "\u{0}"] {
            try Data(text.utf8).write(to: list)
            #expect(throws: KeyError.damaged(file: list.path)) { try keys.sign([[1]], for: "manifest", passphrase) }
            #expect(throws: KeyError.damaged(file: list.path)) { try keys.revoke() }
            #expect(throws: KeyError.damaged(file: list.path)) { try keys.summary() }
        }
        try FileManager.default.removeItem(at: list)
        try FileManager.default.createSymbolicLink(atPath: list.path, withDestinationPath: "nowhere")
        #expect(throws: KeyError.damaged(file: list.path)) { try keys.sign([[1]], for: "manifest", passphrase) }
        try FileManager.default.removeItem(at: list)
        try Data((other + "\n").utf8).write(to: list)
        #expect(try keys.sign([[1]], for: "manifest", passphrase).count == 1)
    }

    @Test func aFolderThatOthersMayWriteIsRefused() throws {
        let keys = place.keys
        try keys.create(height: 5, passphrase, cheap)
        for mode in [0o770, 0o702, 0o722] {
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: keys.folder.path)
            #expect(throws: KeyError.exposed(folder: keys.folder.path)) {
                try keys.sign([[1]], for: "manifest", passphrase)
            }
            #expect(throws: KeyError.exposed(folder: keys.folder.path)) {
                try keys.rotate(height: 5, passphrase, cheap)
            }
        }
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: keys.folder.path)
        #expect(keys.isUsable)
    }

    /// What lies in a new file's way is not written through, and does not stop a signature.
    @Test func linksAreNotFollowed() throws {
        let keys = place.keys, files = FileManager.default
        try keys.create(height: 5, passphrase, cheap)
        let prey = place.path + "/prey"
        try Data("mine".utf8).write(to: URL(filePath: prey))
        for (suffix, target) in [("1", prey), ("2", place.path + "/nothing")] {
            let link = keys.folder.appending(path: OpenFolder.partialPrefix + suffix)
            try files.createSymbolicLink(atPath: link.path, withDestinationPath: target)
            // As if the random name had been guessed.
            #expect(throws: KeyError.self) {
                try OpenFolder(keys.folder).replace(KeyFolder.publicName, Data([1]), by: suffix)
            }
            #expect(OpenFolder.isThere(link))
        }
        #expect(!files.fileExists(atPath: place.path + "/nothing"))
        #expect(keys.isUsable)
        let lock = keys.folder.appending(path: "manifest-key.lock")
        try files.removeItem(at: lock)
        try files.createSymbolicLink(atPath: lock.path, withDestinationPath: prey)
        #expect(throws: KeyError.self) { try keys.sign([[1]], for: "manifest", passphrase) }
        #expect(try Data(contentsOf: URL(filePath: prey)) == Data("mine".utf8))
        #expect(!OpenFolder.isThere(keys.folder.appending(path: OpenFolder.partialPrefix + "1")))
    }

    @Test func rotatedAndRevoked() throws {
        let keys = place.keys
        try keys.create(height: 5, passphrase, cheap)
        let first = try keys.publicKey()
        #expect(throws: KeyError.self) { try keys.rotate(height: 5, Passphrase("another"), cheap) }
        #expect(try keys.publicKey() == first)
        #expect(try keys.revoke() == KeyFolder.fingerprint(first))
        #expect(throws: KeyError.revoked(fingerprint: KeyFolder.fingerprint(first))) {
            try keys.sign([[1]], for: "manifest", passphrase)
        }
        try keys.rotate(height: 5, passphrase, cheap)
        let second = try keys.publicKey()
        #expect(first != second)
        let signed = try keys.sign([[1]], for: "manifest", passphrase)[0]
        #expect(COSESign1.isSigned(signed, by: second, for: "manifest"))
        #expect(!COSESign1.isSigned(signed, by: first, for: "manifest"))
        #expect(try keys.summary().revoked == [KeyFolder.fingerprint(first)])
        // Neither the one that was revoked before it was put away nor one that was not.
        try keys.rotate(height: 5, passphrase, cheap)
        for key in [first, second] {
            let fingerprint = KeyFolder.fingerprint(key)
            let old = KeyFolder(keys.folder.path + "/old/" + fingerprint)
            #expect(try old.publicKey() == key && old.summary().isRevoked)
            #expect(throws: KeyError.revoked(fingerprint: fingerprint)) {
                try old.sign([[1]], for: "manifest", passphrase)
            }
        }
    }

    /// Each file with each byte changed: refused in words, or no worse than a wrong number of leaves left. No word has a secret.
    @Test func damagedFilesAreRefused() throws {
        let keys = place.keys
        try keys.create(height: 5, passphrase, cheap)
        let stateFile = keys.folder.appending(path: "manifest-key.state"), state = try Data(contentsOf: stateFile)
        for name in ["manifest-key.pub", "manifest-key.secret", "manifest-key.tree"] {
            let file = keys.folder.appending(path: name), good = try Data(contentsOf: file)
            for i in stride(from: 0, to: good.count, by: good.count > 400 ? 97 : 7) {
                // An old one: here, so that there are leaves enough. Nobody else may do this.
                try state.write(to: stateFile)
                var bad = good
                bad[i] ^= 1
                try bad.write(to: file)
                do {
                    let signed = try keys.sign([[1]], for: "manifest", passphrase)[0]
                    // A node that no path needs.
                    #expect(name == "manifest-key.tree")
                    #expect(COSESign1.isSigned(signed, by: try keys.publicKey(), for: "manifest"))
                } catch let error as KeyError {
                    #expect(!error.reason.contains("horse") && !error.reason.isEmpty)
                }
            }
            try good.write(to: file)
        }
        #expect("\(passphrase) \(String(reflecting: passphrase))".contains("horse") == false)
    }

    /// The list of unused leaves with each byte changed, with another end, cut off, and another key's: none is taken.
    @Test func aStateThatTheKeyHasNotWrittenIsRefused() throws {
        let keys = place.keys, other = KeyFolder(place.path + "/other")
        try keys.create(height: 5, passphrase, cheap)
        try other.create(height: 5, passphrase, cheap)
        let file = keys.folder.appending(path: "manifest-key.state"), good = try Data(contentsOf: file)
        let text = String(decoding: good, as: UTF8.self),
            othersFile = other.folder.appending(path: "manifest-key.state")
        var bad = good.indices.map { i in
            var bad = good
            bad[i] ^= 1
            return bad
        }
        bad += (0..<good.count).map { good.prefix($0) } + [try Data(contentsOf: othersFile), good + good]
        for (old, new) in [
            ("end 32", "end 33"), ("end 32", "end 4294967296"), ("end 32", "end 16"), ("next 0", "next 1"),
            ("next 0", "next -1"), ("next 0", "next 32"), ("end 32", "end 99999999999999999999"),
        ] { bad.append(Data(text.replacing(old, with: new).utf8)) }
        bad.append(Data("next 0 end 32\n".utf8))
        for content in bad {
            try content.write(to: file)
            #expect(throws: KeyError.state(file: file.path)) { try keys.sign([[1]], for: "manifest", passphrase) }
            #expect(throws: KeyError.state(file: file.path)) {
                try keys.backup(to: place.path + "/copy", leaves: 1, passphrase)
            }
        }
        // A new key ends it.
        try keys.rotate(height: 5, passphrase, cheap)
        #expect(keys.isUsable)
    }
}

extension KeyFolder {
    var rotated: KeyFolder { KeyFolder(folder.appending(path: Self.nextName).path) }
    var publicFile: URL { folder.appending(path: Self.publicName) }
    var secureBoot: URL { folder.appending(path: SecureBootKeys.name) }
    var isUsable: Bool { (try? sign([[1]], for: "manifest", passphrase).count) == 1 }
}

@Suite struct ScryptTests {
    /// RFC 7914, section 12.
    @Test func standardExamples() {
        let first = Scrypt(cost: 4, blockSize: 1).derive([], salt: [], count: 64)
        #expect(
            SecretFile.hexadecimal(first)
                == "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"
        )
        let second = Scrypt(cost: 10).derive(Array("password".utf8), salt: Array("NaCl".utf8), count: 64, lanes: 16)
        #expect(
            SecretFile.hexadecimal(second)
                == "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
        )
    }

    @Test func secretFilesOpenByTheirPassphraseAlone() throws {
        let secret = (0..<40).map { UInt8($0) }
        let text = SecretFile.seal(secret, passphrase, cheap), other = SecretFile.seal(secret, passphrase, cheap)
        #expect(text != other)
        #expect(try SecretFile.open(text, file: "f", passphrase) == secret)
        #expect(throws: KeyError.passphrase(file: "f")) { try SecretFile.open(text, file: "f", Passphrase("x")) }
        #expect(throws: KeyError.damaged(file: "f")) { try SecretFile.open("", file: "f", passphrase) }
        // An edited file takes no more memory than one that was made here: 32 MiB.
        for words in ["16 8", "20 8", "15 9", "15 32", "0 8", "1 0"] {
            let edited = text.replacing("scrypt 2 8", with: "scrypt " + words)
            #expect(edited != text)
            #expect(throws: KeyError.damaged(file: "f")) { try SecretFile.open(edited, file: "f", passphrase) }
        }
    }
}
