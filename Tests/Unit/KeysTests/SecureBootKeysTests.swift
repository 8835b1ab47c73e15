import Foundation
import Testing

@testable import Keys

/// The keys of Secure Boot: OpenSSL's files, and what is said when OpenSSL refuses.
@Suite struct SecureBootKeysTests {
    let place = TemporaryFolder()

    /// What OpenSSL makes as `make` does it, with other parameters.
    private func encrypted(_ arguments: [String]) throws -> Data {
        let plain = try Program.run("openssl", ["genpkey", "-algorithm", "ED25519"])
        return try Program.run(
            "openssl", ["pkcs8", "-topk8", "-passout", "env:BULKHEAD_PASSPHRASE"] + arguments, input: plain, passphrase)
    }

    /// Opening a file takes no more than one that was made here, whatever its own words ask for.
    @Test func parametersAreBounded() throws {
        func isTaken(_ data: Data) throws -> Bool {
            do { try EncryptedKeyFile.require(data, file: "db.key") } catch {
                #expect(error == KeyError.damaged(file: "db.key"))
                return false
            }
            return true
        }
        let good = try encrypted(["-scrypt"])
        #expect(try isTaken(good))
        #expect(try isTaken(encrypted(["-scrypt", "-scrypt_N", "1024", "-scrypt_r", "8"])))
        #expect(try !isTaken(encrypted(["-scrypt", "-scrypt_N", "1024", "-scrypt_r", "9"])))
        #expect(try !isTaken(encrypted(["-scrypt", "-scrypt_N", "1024", "-scrypt_p", "2"])))
        #expect(try !isTaken(encrypted(["-scrypt", "-scrypt_N", "65536", "-scrypt_r", "2"])))
        // Another derivation, whose count nothing bounds; none at all.
        #expect(try !isTaken(encrypted(["-iter", "10"])))
        #expect(try !isTaken(Program.run("openssl", ["genpkey", "-algorithm", "ED25519"])))
        // Each byte of the head that says so changed, and cut off anywhere.
        let lines = String(decoding: good, as: UTF8.self).split(separator: "\n").map(String.init)
        let bytes = [UInt8](try #require(Data(base64Encoded: lines[1..<lines.count - 1].joined())))
        func isTaken(_ bytes: [UInt8]) throws -> Bool {
            try isTaken(Data("\(lines[0])\n\(Data(bytes).base64EncodedString())\n\(lines[lines.count - 1])\n".utf8))
        }
        #expect(try isTaken(bytes))
        let start = try #require((0..<bytes.count).first { bytes[$0...].starts(with: [0x02, 0x02, 0x40, 0x00]) })
        for count in 0..<start + 10 { #expect(try !isTaken(Array(bytes[..<count])), "\(count) bytes") }
        for (at, value) in [(start + 2, 0x81), (start + 2, 0xC0), (start + 6, 9), (start + 9, 2), (start + 1, 0x85)] {
            var bad = bytes
            bad[at] = UInt8(value)
            #expect(try !isTaken(bad), "\(at - start)")
        }
        #expect(try !isTaken(bytes + [0]))
    }

    @Test func aFileOfAnotherKindIsNotOpened() throws {
        let keys = place.keys, file = keys.secureBoot.appending(path: "db.key")
        try FileManager.default.createDirectory(at: keys.secureBoot, withIntermediateDirectories: true)
        try encrypted(["-iter", "10"]).write(to: file)
        #expect(throws: KeyError.damaged(file: file.path)) {
            try SecureBootKeys(keys).sign(Data(), passphrase, in: keys.folder)
        }
    }

    /// A program waits neither for what it says to be read nor for what it is given; one that takes nothing does not end this one.
    @Test(.timeLimit(.minutes(1))) func whatAProgramSaysAndIsGiven() throws {
        let many = Data((0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        #expect(try Program.run("sh", ["-c", "head -c 300000 /dev/zero >&2; printf done"]) == Data("done".utf8))
        #expect(try Program.run("cat", [], input: many) == many)
        #expect(try Program.run("sh", ["-c", "cat >&2; printf done"], input: many) == Data("done".utf8))
        for _ in 0..<20 { #expect(try Program.run("true", [], input: many).isEmpty) }
        #expect(throws: KeyError.self) { try Program.run("false", [], input: many) }
    }

    /// One sentence of all that a program says; not its dots, nor the number of a line in its source.
    @Test func wordsOfErrors() throws {
        func words(_ body: () throws(KeyError) -> Void) -> String {
            do { try body() } catch { return error.reason }
            return ""
        }
        let short = words { () throws(KeyError) in
            _ = try Program.run("openssl", ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1"])
        }
        #expect(short == "openssl genpkey: genpkey: Error setting rsa_keygen_bits:1 parameter:")
        let none = words { () throws(KeyError) in _ = try Program.run("bulkhead-has-no-such-program", []) }
        #expect(none.contains("there is no bulkhead-has-no-such-program") && none.contains("install"))
        let dots = "...+..+.....+++\n...+.......+\n"
        let list = "40B7C16ADF7F0000:error:1C8000AB:Provider routines:rsa_gen:key size too small:../rsa_kmgmt.c:509:\n"
        #expect(Program.reason(dots + list) == "key size too small")
        #expect(Program.reason(dots + "Enter PEM pass phrase:\nNo room\n" + list + "Failed\n") == "No room")
        #expect(Program.reason(dots) == nil && Program.reason("") == nil)
    }
}
