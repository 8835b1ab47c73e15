import Foundation
import Testing

@testable import Keys

/// A folder of keys that is another user's, who may lay anything in it, used by root: what he could not do himself he does not get done.
@Suite struct SharedFolderTests {
    let place = TemporaryFolder()
    private var files: FileManager { .default }

    /// A file that a killed program has left is removed, and no folder that is laid in its place, with what is in it.
    @Test func noFolderIsEmptied() throws {
        let keys = place.keys
        try keys.create(height: 5, passphrase, cheap)
        let folder = keys.folder.appending(path: OpenFolder.partialPrefix + "1"), file = folder.appending(path: "mine")
        let left = keys.folder.appending(path: OpenFolder.partialPrefix + "2")
        try files.createDirectory(at: folder, withIntermediateDirectories: false)
        for file in [file, left] { try Data("mine".utf8).write(to: file) }
        #expect(keys.isUsable)
        #expect(try Data(contentsOf: file) == Data("mine".utf8))
        #expect(!OpenFolder.isThere(left))
    }

    private func owner(_ file: URL) -> uid_t? {
        var facts = stat()
        return unsafe lstat(file.path, &facts) == 0 ? facts.st_uid : nil
    }

    /// What root makes in the folder is the user's; what has another name, where it is root's, stays root's.
    @Test(.enabled(if: geteuid() == 0, "only root gives files away"))
    func onlyWhatWasMadeHereIsGivenAway() throws {
        let keys = place.keys, user: uid_t = 12345
        try keys.create(height: 5, passphrase, cheap)
        let lock = keys.folder.appending(path: "manifest-key.lock"), prey = URL(filePath: place.path + "/prey")
        for name in try files.contentsOfDirectory(atPath: keys.folder.path) + [""] {
            #expect(unsafe chown(keys.folder.path + "/" + name, user, user) == 0)
        }
        _ = try keys.sign([[1]], for: "manifest", passphrase)
        #expect(owner(lock) == user && owner(keys.folder.appending(path: "manifest-key.state")) == user)
        let secureBoot = try OpenFolder(keys.folder).folder("secure-boot", mayBeNew: true)
        #expect(owner(keys.secureBoot) == user && secureBoot.facts.st_uid == user)
        try files.removeItem(at: lock)
        try Data("root's".utf8).write(to: prey)
        try files.linkItem(at: prey, to: lock)
        _ = try keys.sign([[1]], for: "manifest", passphrase)
        #expect(owner(prey) == 0)
        // Nor is it read for him, by a name that he has given it; and a folder of another's is none of his.
        for name in [KeyFolder.publicName, KeyFolder.revokedName] {
            let file = keys.folder.appending(path: name), aside = URL(filePath: place.path + "/aside")
            let isThere = OpenFolder.isThere(file)
            if isThere { try files.moveItem(at: file, to: aside) }
            try files.linkItem(at: prey, to: file)
            let words = refusal { () throws(KeyError) in _ = try keys.summary() }
            #expect(words?.contains("\(name) is not of the user whose folder it is in") == true, "\(words ?? "")")
            try files.removeItem(at: file)
            if isThere { try files.moveItem(at: aside, to: file) }
        }
        try files.createDirectory(at: keys.rotated.folder, withIntermediateDirectories: false)
        try Data("root's".utf8).write(to: keys.rotated.publicFile)
        let words = refusal { () throws(KeyError) in _ = try keys.summary() }
        #expect(words?.contains("new is not of the user whose folder it is in") == true, "\(words ?? "")")
        #expect(OpenFolder.isThere(keys.rotated.folder))
    }

    private func refusal(_ body: () throws(KeyError) -> Void) -> String? {
        do { try body() } catch { return error.reason }
        return nil
    }

    /// Nothing but files of the folder is copied; what cannot be is said, before the copy has cost leaves.
    @Test func aCopyHasTheFoldersOwnFilesAlone() throws {
        let keys = place.keys, copy = place.path + "/copy", secret = place.path + "/secret"
        try keys.create(height: 5, passphrase, cheap)
        _ = try keys.sign([[1]], for: "manifest", passphrase)
        let secureBoot = keys.secureBoot, file = secureBoot.appending(path: "db.key")
        try Data("root's".utf8).write(to: URL(filePath: secret))
        try files.createDirectory(atPath: place.path + "/elsewhere", withIntermediateDirectories: false)
        try Data("root's".utf8).write(to: URL(filePath: place.path + "/elsewhere/db.key"))
        func refuses(_ damaged: URL) throws {
            #expect(throws: KeyError.damaged(file: damaged.path)) {
                try keys.backup(to: copy, leaves: 2, passphrase)
            }
            #expect(try keys.summary().left == 31)
            #expect(!files.fileExists(atPath: copy))
        }
        // No folder: its files cannot even be listed.
        try Data().write(to: secureBoot)
        try refuses(secureBoot)
        try files.removeItem(at: secureBoot)
        try files.createDirectory(at: secureBoot, withIntermediateDirectories: false)
        try files.createSymbolicLink(atPath: file.path, withDestinationPath: secret)
        try refuses(file)
        try files.removeItem(at: file)
        #expect(unsafe mkfifo(file.path, 0o600) == 0)
        try refuses(file)
        // Nor through a folder that leads elsewhere.
        try files.removeItem(at: secureBoot)
        try files.createSymbolicLink(atPath: secureBoot.path, withDestinationPath: place.path + "/elsewhere")
        try refuses(secureBoot)
        try files.removeItem(at: secureBoot)
        try files.createDirectory(at: secureBoot, withIntermediateDirectories: false)
        try Data("db".utf8).write(to: file)
        try keys.backup(to: copy, leaves: 2, passphrase)
        #expect(try Data(contentsOf: URL(filePath: copy + "/secure-boot/db.key")) == Data("db".utf8))
        #expect(try keys.summary().left == 29)
    }
}
