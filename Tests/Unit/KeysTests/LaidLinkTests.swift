import Foundation
import Testing

@testable import Keys

/// A folder of keys in which its user has laid links, pipes and what never ends, for whoever works in it, root first of all: nothing leads
/// out of the folder, and nothing is waited for.
@Suite struct LaidLinkTests {
    let place = TemporaryFolder()
    private var files: FileManager { .default }

    /// Each file below a folder with its content.
    private func content(_ folder: URL) throws -> [String: Data] {
        var content: [String: Data] = [:]
        for name in try files.subpathsOfDirectory(atPath: folder.path) {
            content[name] = (try? Data(contentsOf: folder.appending(path: name))) ?? Data()
        }
        return content
    }

    private func link(_ file: URL, to target: URL) throws {
        try files.createSymbolicLink(atPath: file.path, withDestinationPath: target.path)
    }

    /// Another's keys, named as the next ones of a rotation that was cut off.
    @Test func anothersKeysAreNotTheNextOnes() throws {
        let keys = place.keys, others = KeyFolder(place.path + "/others"), new = keys.rotated.folder
        try keys.create(height: 5, passphrase, cheap)
        try others.create(height: 5, passphrase, cheap)
        _ = try keys.sign([[1]], for: "manifest", passphrase)
        let before = (keys: try content(keys.folder), others: try content(others.folder))
        try link(new, to: others.folder)
        let damaged = KeyError.damaged(file: new.path)
        #expect(throws: damaged) { try keys.summary() }
        #expect(throws: damaged) { try keys.sign([[1]], for: "manifest", passphrase) }
        #expect(throws: damaged) { try keys.rotate(height: 5, passphrase, cheap) }
        #expect(throws: damaged) { try keys.revoke() }
        #expect(throws: damaged) { try keys.backup(to: place.path + "/copy", leaves: 1, passphrase) }
        #expect(try content(others.folder) == before.others)
        try files.removeItem(at: new)
        #expect(try content(keys.folder) == before.keys)
        // Nor are they where its own public key is not: the lock is not even asked for.
        try files.moveItem(at: keys.publicFile, to: URL(filePath: place.path + "/public"))
        try link(new, to: others.folder)
        #expect(throws: KeyError.missing(file: keys.publicFile.path)) { try keys.publicKey() }
        try files.removeItem(at: new)
        // A folder of links takes the links, and they lead nowhere.
        try files.moveItem(atPath: place.path + "/public", toPath: keys.publicFile.path)
        try files.createDirectory(at: new, withIntermediateDirectories: false)
        for name in try files.contentsOfDirectory(atPath: others.folder.path) {
            try link(new.appending(path: name), to: others.folder.appending(path: name))
        }
        #expect(throws: KeyError.damaged(file: keys.publicFile.path)) { try keys.summary() }
        #expect(try content(others.folder) == before.others)
    }

    /// Where old keys go nothing of this folder's lies elsewhere; that is looked at while nothing has begun.
    @Test func oldKeysGoNowhereElse() throws {
        let keys = place.keys, elsewhere = URL(filePath: place.path + "/elsewhere")
        try files.createDirectory(at: elsewhere, withIntermediateDirectories: true)
        try keys.create(height: 5, passphrase, cheap)
        for isWhole in [true, false] {
            let first = try keys.publicKey(), fingerprint = KeyFolder.fingerprint(first)
            let old = keys.folder.appending(path: isWhole ? "old" : "old/\(fingerprint)")
            try? files.createDirectory(at: old.deletingLastPathComponent(), withIntermediateDirectories: true)
            try link(old, to: elsewhere)
            #expect(throws: KeyError.damaged(file: old.path)) { try keys.rotate(height: 5, passphrase, cheap) }
            #expect(try keys.summary().fingerprint == fingerprint && !OpenFolder.isThere(keys.rotated.folder))
            #expect(try files.contentsOfDirectory(atPath: elsewhere.path).isEmpty)
            #expect(try keys.publicKey() == first)
            #expect(keys.isUsable)
            try files.removeItem(at: old)
            try keys.rotate(height: 5, passphrase, cheap)
            #expect(try keys.publicKey() != first && keys.isUsable)
            #expect(try KeyFolder(keys.folder.path + "/old/" + fingerprint).publicKey() == first)
        }
    }

    /// What is left of a rotation that was cut off goes, and nothing that is no file of it.
    @Test func nothingBelowTheNextKeyIsEmptied() throws {
        let keys = place.keys, mine = keys.rotated.folder.appending(path: "folder/mine")
        try keys.create(height: 5, passphrase, cheap)
        try files.createDirectory(at: mine.deletingLastPathComponent(), withIntermediateDirectories: true)
        for file in [mine, keys.rotated.folder.appending(path: KeyFolder.secretName)] {
            try Data("mine".utf8).write(to: file)
        }
        #expect(throws: KeyError.self) { try keys.sign([[1]], for: "manifest", passphrase) }
        #expect(try files.subpathsOfDirectory(atPath: keys.rotated.folder.path).sorted() == ["folder", "folder/mine"])
        try files.removeItem(at: mine.deletingLastPathComponent())
        #expect(keys.isUsable && !OpenFolder.isThere(keys.rotated.folder))
    }

    /// Each file of a set as what it is not.
    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            "manifest-key.pub", "manifest-key.secret", "manifest-key.tree", "manifest-key.state", "revoked",
            "secure-boot/db.key", "secure-boot/db.crt",
        ])
    func aFileIsNoOther(_ name: String) throws {
        let keys = place.keys, file = keys.folder.appending(path: name), scratch = place.path + "/scratch"
        try keys.create(height: 5, passphrase, cheap)
        for path in [keys.secureBoot.path, scratch] {
            try files.createDirectory(atPath: path, withIntermediateDirectories: false)
        }
        try Data((String(repeating: "a", count: 32) + "\n").utf8).write(to: keys.folder.appending(path: "revoked"))
        let plain = try Program.run("openssl", ["genpkey", "-algorithm", "ED25519"])
        let key = ["pkcs8", "-topk8", "-scrypt", "-passout", "env:BULKHEAD_PASSPHRASE"]
        for name in ["db.key", "db.crt"] {
            try Program.run("openssl", key, input: plain, passphrase).write(to: keys.secureBoot.appending(path: name))
        }
        #expect(keys.isUsable)
        let good = URL(filePath: place.path + "/good")
        try files.moveItem(at: file, to: good)
        let lays: [(String, () throws -> Void)] = [
            ("a link", { try link(file, to: good) }), ("no end", { try link(file, to: URL(filePath: "/dev/zero")) }),
            ("a pipe", { #expect(unsafe mkfifo(file.path, 0o600) == 0) }),
            ("a folder", { try files.createDirectory(at: file, withIntermediateDirectories: false) }),
            (
                "a hole",
                {
                    try Data(contentsOf: good).write(to: file)
                    #expect(unsafe truncate(file.path, 64 << 20 + 1) == 0)
                }
            ),
        ]
        for (what, lay) in lays {
            try lay()
            #expect(throws: KeyError.damaged(file: file.path), "\(what)") {
                if name.hasPrefix("secure-boot") {
                    _ = try SecureBootKeys(keys).sign(Data(), passphrase, in: URL(filePath: scratch))
                } else {
                    _ = try keys.sign([[1]], for: "manifest", passphrase)
                }
            }
            // Not because of what is in it.
            let folder = try OpenFolder(file.deletingLastPathComponent())
            #expect(throws: KeyError.damaged(file: file.path), "\(what)") { try folder.read(file.lastPathComponent) }
            try files.removeItem(at: file)
        }
        try files.moveItem(at: good, to: file)
        #expect(keys.isUsable)
    }

    /// Its path leads elsewhere from one moment to the next: what was begun in a folder ends there.
    @Test func anOpenFolderStaysTheSame() throws {
        let elsewhere = URL(filePath: place.path + "/elsewhere"), aside = URL(filePath: place.path + "/aside")
        try files.createDirectory(at: elsewhere, withIntermediateDirectories: true)
        try Data("mine".utf8).write(to: elsewhere.appending(path: "mine"))
        let keys = KeyFolder(place.path + "/a/b/keys")
        func swap(_ folder: URL) throws {
            try? files.removeItem(at: aside)
            try files.moveItem(at: folder, to: aside)
            try link(folder, to: elsewhere)
        }
        // A new one, which lies beside its place until it is whole.
        for isDone in [true, false] {
            let made: Void? = try? keys.make { (new: OpenFolder) throws(KeyError) in
                try? swap(new.place)
                try new.replace("file", Data([1]))
                try new.folder("folder", mayBeNew: true).replace("file", Data([2]))
                if !isDone { throw KeyError.revoked(fingerprint: "") }
            }
            #expect((made != nil) == isDone)
            let file = isDone ? ["file": Data([1])] : [:]
            #expect(
                try content(aside) == file.merging(["folder": Data(), "folder/file": Data([2])]) { $1 },
                "what is removed is what was made")
            #expect(try content(elsewhere) == ["mine": Data("mine".utf8)])
            if isDone { try files.removeItem(at: keys.folder) }
        }
        // A folder that has the new one's name when that is removed.
        _ = try? keys.make { (new: OpenFolder) throws(KeyError) in
            try? files.removeItem(at: new.place)
            try? files.copyItem(at: elsewhere, to: new.place)
            throw KeyError.revoked(fingerprint: "")
        }
        let left = try content(keys.folder.deletingLastPathComponent())
        #expect(left.values.contains(Data("mine".utf8)), "\(left.keys)")
        try keys.create(height: 5, passphrase, cheap)
        let open = try OpenFolder(keys.folder), names = try open.names().sorted()
        try swap(keys.folder)
        #expect(try open.names().sorted() == names && open.read(KeyFolder.publicName).count == 52)
        try open.folder("new", mayBeNew: true).replace("file", Data([1]))
        try open.remove(folder: "new")
        try open.move(KeyFolder.treeName, to: open.folder("old", mayBeNew: true), as: "tree")
        #expect(OpenFolder.isThere(aside.appending(path: "old/tree")))
        #expect(try content(elsewhere) == ["mine": Data("mine".utf8)])
    }
}
