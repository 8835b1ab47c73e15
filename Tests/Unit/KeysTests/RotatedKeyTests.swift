import Foundation
import Synchronization
import Testing
import Trust

@testable import Keys

/// Signing, rotating and copying at once, or cut off: no leaf of any key signs twice.
@Suite(.serialized) struct RotatedKeyTests {
    let place = TemporaryFolder()

    /// All keys that a folder has had. A rotation that is cut off may leave the place of one that is not there.
    private func allKeys(_ keys: KeyFolder) throws -> [[UInt8]] {
        let old = keys.folder.appending(path: "old").path
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: old)) ?? []).filter {
            (try? FileManager.default.contentsOfDirectory(atPath: "\(old)/\($0)"))?.isEmpty != true
        }
        return try names.map { try KeyFolder(old + "/" + $0).publicKey() } + [keys.publicKey()]
    }

    /// Each signature is of one of the keys, and no two are of the same leaf.
    private func expectNoLeafTwice(_ signed: [[UInt8]], _ keys: KeyFolder) throws {
        let all = try allKeys(keys)
        var used: Set<String> = []
        for one in signed {
            let key = try #require(all.firstIndex { COSESign1.isSigned(one, by: $0, for: "manifest") })
            #expect(used.insert("\(key) \(try leaf(of: one))").inserted, "a leaf signed twice")
        }
    }

    @Test func signedAndRotatedAtOnce() throws {
        let keys = place.keys, path = place.path, signed = Mutex<[[UInt8]]>([])
        try keys.create(height: 5, passphrase, cheap)
        let rotations = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: 4) { worker in
            for i in 0..<24 {
                if worker == 0 {
                    guard (try? keys.rotate(height: 5, passphrase, cheap)) != nil else { continue }
                    rotations.add(1, ordering: .relaxed)
                } else if worker == 1, i % 4 == 0 {
                    let copy = KeyFolder(path + "/copy\(i)")
                    guard (try? keys.backup(to: copy.folder.path, leaves: 2, passphrase)) != nil,
                        let new = try? copy.sign([[1], [2]], for: "manifest", passphrase)
                    else { continue }
                    signed.withLock { $0 += new }
                } else if let new = try? keys.sign([[UInt8(i)]], for: "manifest", passphrase) {
                    signed.withLock { $0 += new }
                }
            }
        }
        let all = signed.withLock { $0 }
        // Else it shows nothing.
        #expect(rotations.load(ordering: .relaxed) > 10 && all.count > 30, "\(all.count) were signed")
        try expectNoLeafTwice(all, keys)
    }

    /// The steps of a rotation, cut off behind each: the old key is as it was, or the new one is in its place.
    @Test func aRotationCutOffAnywhere() throws {
        let files = FileManager.default
        let names = ["manifest-key.secret", "manifest-key.state", "manifest-key.tree", "manifest-key.pub"]
        for isWhole in [true, false] {
            for done in 0...(isWhole ? 9 : 0) {
                let keys = KeyFolder(place.path + "/keys\(isWhole)\(done)"), new = keys.rotated
                try keys.create(height: 5, passphrase, cheap)
                let before = try keys.sign([[1]], for: "manifest", passphrase)
                let first = try keys.publicKey()
                try new.create(height: 5, passphrase, cheap)
                let second = try new.publicKey()
                if !isWhole { try files.removeItem(at: new.publicFile) }
                let old = keys.folder.appending(path: "old/\(KeyFolder.fingerprint(first))")
                try files.createDirectory(at: old, withIntermediateDirectories: true)
                // First it is noted as revoked there.
                let moved = done - 1
                if done > 0 { try Data((old.lastPathComponent + "\n").utf8).write(to: old.appending(path: "revoked")) }
                let steps = names.map { (keys.folder, $0, old) } + names.map { (new.folder, $0, keys.folder) }
                for (from, name, to) in steps.prefix(max(0, moved)) {
                    try files.moveItem(at: from.appending(path: name), to: to.appending(path: name))
                }
                let expected = isWhole ? second : first
                // Readers without the lock find it too.
                if moved > 3 || !isWhole { #expect(try keys.publicKey() == expected, "\(moved)") }
                #expect(try keys.summary().next == (isWhole ? 0 : 1))
                let after = try keys.sign([[1]], for: "manifest", passphrase)
                #expect(COSESign1.isSigned(after[0], by: expected, for: "manifest"))
                #expect(!files.fileExists(atPath: new.folder.path))
                if isWhole { #expect(try KeyFolder(old.path).summary().isRevoked) }
                let put = names + ["revoked"]
                if isWhole { #expect(try files.contentsOfDirectory(atPath: old.path).sorted() == put.sorted()) }
                if isWhole { try expectNoLeafTwice(before + after, keys) }
            }
        }
    }

    /// Whose the other files are nobody knows: none is moved.
    @Test func aRotationBesideAPublicKeyThatCannotBeRead() throws {
        let keys = place.keys, files = FileManager.default
        try keys.create(height: 5, passphrase, cheap)
        try keys.rotated.create(height: 5, passphrase, cheap)
        let before = try files.subpathsOfDirectory(atPath: keys.folder.path).sorted()
        try files.removeItem(at: keys.publicFile)
        try files.createDirectory(at: keys.publicFile, withIntermediateDirectories: false)
        #expect(throws: KeyError.damaged(file: keys.publicFile.path)) {
            try keys.sign([[1]], for: "manifest", passphrase)
        }
        let after = try files.subpathsOfDirectory(atPath: keys.folder.path).sorted()
        #expect(after == (before + ["manifest-key.lock"]).sorted())
    }

    /// `rotate` and `backup` in processes of their own, killed at any moment.
    @Test func killedRotationsAndBackups() throws {
        let keys = place.keys, secret = URL(filePath: place.path + "/passphrase")
        try keys.create(height: 5, passphrase, cheap)
        try Data("correct horse\n".utf8).write(to: secret)
        var signed: [[UInt8]] = [], interrupted = 0, done = 0
        func start(_ arguments: [String]) throws -> Process {
            let process = Process()
            process.executableURL = KilledSignerTests.tool
            process.arguments = ["keys"] + arguments + ["--passphrase-file", secret.path]
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            try process.run()
            return process
        }
        let begin = ContinuousClock.now
        try start(["rotate", keys.folder.path, "--height", "5"]).waitUntilExit()
        let usual = (ContinuousClock.now - begin).components
        let limit = UInt32(min(5e6, Double(usual.seconds) * 1e6 + Double(usual.attoseconds) / 1e12))
        for round in 0..<40 {
            // Where all rotations are killed too early, the leaves come to an end.
            if try keys.summary().left < 4 { try keys.rotate(height: 5, passphrase, cheap) }
            let copy = KeyFolder(place.path + "/copy\(round)")
            let process = try start(
                round % 3 == 0
                    ? ["backup", keys.folder.path, copy.folder.path, "--leaves", "2"]
                    : ["rotate", keys.folder.path, "--height", "5"])
            usleep(UInt32.random(in: 0...limit + limit / 3))
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            if process.terminationReason == .uncaughtSignal { interrupted += 1 } else { done += 1 }
            signed += try keys.sign([[UInt8(round)]], for: "manifest", passphrase)
            if OpenFolder.isThere(copy.folder) {
                signed += try copy.sign([[1], [2]], for: "manifest", passphrase)
            }
        }
        #expect(interrupted > 5 && done > 0, "\(interrupted) of 40 were killed")
        try expectNoLeafTwice(signed, keys)
    }
}
