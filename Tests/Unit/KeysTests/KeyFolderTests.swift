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
        #expect(throws: KeyError.exists(file: keys.publicFile.path)) { try keys.create(height: 5, passphrase, cheap) }
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
        try keys.backup(to: copy.folder.path, leaves: 8)
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
        #expect(throws: KeyError.self) { try keys.backup(to: copy.folder.path, leaves: 1) }
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
    }

    /// Each file with each byte changed: refused in words, or no worse than a wrong number of leaves left. No word has a secret.
    @Test func damagedFilesAreRefused() throws {
        let keys = place.keys
        try keys.create(height: 5, passphrase, cheap)
        for name in ["manifest-key.pub", "manifest-key.secret", "manifest-key.tree"] {
            let file = keys.folder.appending(path: name), good = try Data(contentsOf: file)
            for i in stride(from: 0, to: good.count, by: good.count > 400 ? 97 : 7) {
                try keysState(keys, next: 0)
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
        for text in ["", "next 1", "next 5 end 4", "next -1 end 4", "next a end b", "next 1 end 2 more"] {
            try Data(text.utf8).write(to: keys.folder.appending(path: "manifest-key.state"))
            #expect(throws: KeyError.self) { try keys.sign([[1]], for: "manifest", passphrase) }
        }
        #expect("\(passphrase) \(String(reflecting: passphrase))".contains("horse") == false)
    }

    private func keysState(_ keys: KeyFolder, next: Int) throws {
        try Data("next \(next) end 32\n".utf8).write(to: keys.folder.appending(path: "manifest-key.state"))
    }
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
    }
}
