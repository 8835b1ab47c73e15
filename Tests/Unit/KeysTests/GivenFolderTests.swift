import Foundation
import Testing

@testable import Keys

/// Root in a folder of another user's, who exchanges what was just made, and what a root that was killed has left there.
@Suite(.enabled(if: geteuid() == 0, "only root gives files away")) struct GivenFolderTests {
    let place = TemporaryFolder(), user: uid_t = 12345
    private var files: FileManager { .default }
    private var secret: String { place.path + "/passphrase" }
    /// Whether another user can start this package's tool.
    static let others =
        (try? Program.run("setpriv", asUser(12345) + ["test", "-x", KilledSignerTests.tool.path])) != nil

    static let hasNamespaces =
        others && (try? Program.run("setpriv", asUser(12345) + ["unshare", "-r", "true"])) != nil

    private static func asUser(_ user: uid_t) -> [String] { ["--reuid=\(user)", "--regid=\(user)", "--clear-groups"] }

    private func owner(_ path: String) -> uid_t? {
        var facts = stat()
        return unsafe lstat(path, &facts) == 0 ? facts.st_uid : nil
    }

    /// Gives the user all that is below a path.
    private func give(_ path: String) throws {
        for name in [""] + (try files.subpathsOfDirectory(atPath: path)) {
            #expect(unsafe chown(path + "/" + name, user, user) == 0)
        }
    }

    private func folder(_ path: String, _ mode: mode_t = 0o700) { #expect(unsafe mkdir(path, mode) == 0) }

    private func usersKeys() throws -> KeyFolder {
        try place.keys.create(height: 5, passphrase, cheap)
        try Data("correct horse\n".utf8).write(to: URL(filePath: secret))
        try give(place.path)
        return place.keys
    }

    private func refusal(_ body: () throws -> Void) -> String {
        do { try body() } catch { return (error as? KeyError)?.reason ?? "\(error)" }
        return ""
    }

    /// `keys rotate` as the user, by this package's tool.
    private func rotateAsUser(_ keys: KeyFolder) throws {
        _ = try Program.run(
            "setpriv",
            Self.asUser(user) + [
                KilledSignerTests.tool.path, "keys", "rotate", keys.folder.path, "--height", "5", "--passphrase-file",
                secret,
            ])
    }

    /// Between making and opening a folder its name becomes another's, which is root's: it stays root's if there is anything in it.
    @Test func exchangedBetweenMakingAndOpening() throws {
        let keys = try usersKeys(), open = try OpenFolder(keys.folder), made = open.path("made")
        for isEmpty in [false, true] {
            let prey = place.path + "/prey"
            folder(prey)
            if !isEmpty { try Data("mine".utf8).write(to: URL(filePath: prey + "/mine")) }
            #expect(try open.makeFolder("made"))
            try files.removeItem(atPath: made)
            try files.moveItem(atPath: prey, toPath: made)
            if isEmpty {
                #expect(try open.opened(folder: "made", isNew: true).facts.st_uid == user && owner(made) == user)
            } else {
                let words = refusal { _ = try open.opened(folder: "made", isNew: true) }
                #expect(words.contains("made is not of the user whose folder it is in"), "\(words)")
                #expect(owner(made) == 0 && owner(made + "/mine") == 0)
                #expect(refusal { _ = try open.folder("made", mayBeNew: true) } == words && owner(made) == 0)
            }
            try files.removeItem(atPath: made)
        }
    }

    /// A folder that root has made and not yet given away: neither root nor the user is stopped by it.
    @Test(arguments: ["new", "old", "old/key"], [true, false])
    func leftByAKilledRoot(_ left: String, _ isRoot: Bool) throws {
        if !isRoot, !Self.others { return }
        let keys = try usersKeys(), first = try keys.publicKey()
        let name = left.replacing("key", with: KeyFolder.fingerprint(first))
        if left == "old/key" {
            folder(keys.folder.path + "/old")
            try give(keys.folder.path)
        }
        folder(keys.folder.path + "/" + name)
        if isRoot { try keys.rotate(height: 5, passphrase, cheap) } else { try rotateAsUser(keys) }
        #expect(try keys.publicKey() != first && !OpenFolder.isThere(keys.rotated.folder))
        for file in try files.subpathsOfDirectory(atPath: keys.folder.path) {
            #expect(owner(keys.folder.path + "/" + file) == user, "\(file)")
        }
        #expect(try KeyFolder(keys.folder.path + "/old/" + KeyFolder.fingerprint(first)).publicKey() == first)
    }

    /// What versions that gave nothing away have put into `old` is root's: a rotation says so before it has begun.
    @Test func oldKeysThatAreRoots() throws {
        let keys = try usersKeys(), first = try keys.publicKey(), old = keys.folder.path + "/old"
        folder(old)
        folder(old + "/0123")
        for isRoot in [true, false] where isRoot || Self.others {
            let words = refusal {
                if isRoot { try keys.rotate(height: 5, passphrase, cheap) } else { try rotateAsUser(keys) }
            }
            #expect(words.contains("old is not of the user") && words.contains("sudo chown -R 12345"), "\(words)")
            #expect(!OpenFolder.isThere(keys.rotated.folder) && owner(old) == 0)
            #expect(try keys.summary().fingerprint == KeyFolder.fingerprint(first) && keys.isUsable)
        }
        try give(old)
        try keys.rotate(height: 5, passphrase, cheap)
        #expect(try keys.publicKey() != first && keys.isUsable)
    }

    /// Root in a namespace of its own cannot give away what is made in a folder of a user that is unknown there, as /tmp is.
    @Test(.enabled(if: GivenFolderTests.hasNamespaces)) func whereNothingCanBeGivenAway() throws {
        _ = try usersKeys()
        let shared = place.path + "/shared"
        folder(shared)
        #expect(unsafe chmod(shared, 0o1777) == 0)
        _ = try Program.run(
            "setpriv",
            Self.asUser(user) + [
                "unshare", "-r", KilledSignerTests.tool.path, "keys", "init", shared + "/keys", "--height", "5",
                "--no-secure-boot", "--passphrase-file", secret,
            ])
        #expect(owner(shared + "/keys") == user && KeyFolder(shared + "/keys").isUsable)
    }

    /// Where a group may write, and so exchange what it has not made: none of its folders is taken for the new one.
    @Test func aNewFolderWhereAGroupMayWrite() throws {
        let parent = place.path + "/shared", made = parent + "/made"
        folder(place.path)
        for (mode, isTaken) in [(mode_t(0o775), true), (0o1775, false), (0o755, false)] {
            folder(parent)
            #expect(unsafe chmod(parent, mode) == 0)
            let open = try OpenFolder(URL(filePath: parent)), exposed = KeyError.exposed(folder: open.place.path)
            func opened() throws { _ = try open.opened(folder: "made", isNew: true) }
            #expect(try open.makeFolder("made"))
            try opened()
            // Another's; one of root's that has something in it.
            try give(made)
            if isTaken { #expect(throws: exposed) { try opened() } } else { try opened() }
            #expect(unsafe chown(made, 0, 0) == 0)
            try Data("mine".utf8).write(to: URL(filePath: made + "/mine"))
            if isTaken { #expect(throws: exposed) { try opened() } } else { try opened() }
            try files.removeItem(atPath: parent)
        }
    }

    /// The user's own folder, to which he may not write: no word of damage, nor of a copy to be used.
    @Test(.enabled(if: GivenFolderTests.others)) func aFolderThatMayNotBeWritten() throws {
        let keys = try usersKeys()
        #expect(unsafe chmod(keys.folder.path, 0o500) == 0)
        let words = refusal { try rotateAsUser(keys) }
        #expect(words.contains("manifest-key.lock cannot be made: Permission denied"), "\(words)")
    }
}
