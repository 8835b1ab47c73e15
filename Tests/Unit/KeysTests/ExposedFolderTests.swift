import Foundation
import Testing

@testable import Keys

/// What others may write to is not believed, by whoever only reads it either; and what the system refuses is not called damage.
@Suite struct ExposedFolderTests {
    let place = TemporaryFolder()

    private func mode(_ path: String, _ mode: mode_t) { #expect(unsafe chmod(path, mode) == 0) }

    @Test func whatOthersMayWriteIsNotBelieved() throws {
        let keys = place.keys, secureBoot = SecureBootKeys(keys), scratch = URL(filePath: place.path + "/scratch")
        try keys.create(height: 5, passphrase, cheap)
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: false)
        let open = try OpenFolder(keys.folder), files = try open.folder(SecureBootKeys.name, mayBeNew: true)
        let plain = try Program.run("openssl", ["genpkey", "-algorithm", "ED25519"])
        let secret = try Program.run(
            "openssl", ["pkcs8", "-topk8", "-scrypt", "-passout", "env:BULKHEAD_PASSPHRASE"], input: plain, passphrase)
        for name in ["db.key", "db.crt"] { try files.replace(name, secret) }
        try open.replace(KeyFolder.revokedName, Data((String(repeating: "a", count: 32) + "\n").utf8))
        let all: [(String, () throws -> Void)] = [
            ("publicKey", { _ = try keys.publicKey() }), ("revokedKeys", { _ = try keys.revokedKeys() }),
            ("summary", { _ = try keys.summary() }), ("areThere", { _ = try secureBoot.areThere() }),
            ("isSigned", { _ = try secureBoot.isSigned(Data([1]), in: scratch) }),
            ("SecureBootKeys.sign", { _ = try secureBoot.sign(Data([1]), passphrase, in: scratch) }),
            ("sign", { _ = try keys.sign([[1]], for: "manifest", passphrase) }),
            ("backup", { try keys.backup(to: place.path + "/copy", leaves: 1, passphrase) }),
        ]
        func expectExposed(_ path: String, in calls: Set<String>) throws {
            let isFolder = [keys.folder.path, keys.secureBoot.path].contains(path)
            for open: mode_t in [0o020, 0o002] {
                mode(path, (isFolder ? 0o700 : 0o600) | open)
                for (name, call) in all where calls.contains(name) {
                    #expect(throws: KeyError.exposed(folder: path), "\(name), \(path)") { try call() }
                }
            }
            mode(path, isFolder ? 0o700 : 0o600)
        }
        try expectExposed(keys.folder.path, in: Set(all.map(\.0)))
        try expectExposed(keys.secureBoot.path, in: ["isSigned", "SecureBootKeys.sign", "backup"])
        try expectExposed(keys.publicFile.path, in: ["publicKey", "summary", "sign"])
        try expectExposed(open.path(KeyFolder.revokedName), in: ["revokedKeys", "summary", "sign"])
        for name in [KeyFolder.secretName, KeyFolder.treeName] { try expectExposed(open.path(name), in: ["sign"]) }
        try expectExposed(open.path(KeyFolder.stateName), in: ["summary", "sign"])
        try expectExposed(files.path("db.crt"), in: ["isSigned", "SecureBootKeys.sign"])
        try expectExposed(files.path("db.key"), in: ["SecureBootKeys.sign"])
        #expect(keys.isUsable)
    }

    /// A volume such as FAT gives every folder the mode of its mount, and not the one that it was made with.
    @Test func aVolumeThatKeepsNoModesIsToldByAFolderThatWasMadeThere() throws {
        try FileManager.default.createDirectory(atPath: place.path, withIntermediateDirectories: false)
        let open = try OpenFolder(URL(filePath: place.path))
        #expect(try open.makeFolder("new"))
        mode(place.path + "/new", 0o777)
        let words =
            "\(place.path) lies on a volume that keeps no modes: others may write to what is made there; name a folder elsewhere"
        #expect(throws: KeyError.system(words)) { _ = try open.opened(folder: "new", isNew: true) }
        let new = place.path + "/new"
        #expect(throws: KeyError.exposed(folder: new)) { _ = try open.opened(folder: "new", isNew: false) }
    }

    /// Neither that a file is damaged nor that there is none, so that nobody throws keys away: what the system says.
    @Test func whatTheSystemRefusesIsNoDamage() throws {
        let keys = place.keys, long = String(repeating: "a", count: 300), loop = place.path + "/loop"
        try keys.create(height: 5, passphrase, cheap)
        try FileManager.default.createSymbolicLink(atPath: loop, withDestinationPath: loop)
        let open = try OpenFolder(keys.folder), process = try OpenFolder(URL(filePath: "/proc/self"))
        let calls: [(String, () throws(KeyError) -> Void)] = [
            ("cannot be made: File name too long", { () throws(KeyError) in close(try open.lock(long)) }),
            (
                "cannot be made: File name too long",
                { () throws(KeyError) in _ = try open.folder(long, mayBeNew: true) }
            ),
            ("cannot be opened: File name too long", { () throws(KeyError) in _ = try open.folder(long) }),
            ("cannot be opened: File name too long", { () throws(KeyError) in _ = try open.read(long) }),
            (
                "cannot be opened: Too many levels",
                { () throws(KeyError) in _ = try OpenFolder(URL(filePath: loop)) }
            ),
            // Nothing is mapped at address 0.
            ("cannot be read", { () throws(KeyError) in _ = try process.read("mem") }),
        ]
        for (expected, call) in calls {
            do throws(KeyError) {
                try call()
                Issue.record("\(expected): nothing was thrown")
            } catch {
                if case .system = error {} else { Issue.record("\(error)") }
                #expect(error.reason.contains(expected), "\(error.reason)")
            }
        }
        for path in [place.path + "/none", keys.publicFile.path] {
            #expect(throws: KeyError.missing(file: path)) { try OpenFolder(URL(filePath: path)) }
        }
    }
}
