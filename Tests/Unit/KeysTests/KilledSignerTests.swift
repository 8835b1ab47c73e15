import Foundation
import Testing
import Trust

@testable import Keys

/// A signer that is killed at any moment, by SIGKILL, in a process of its own: no leaf signs twice, and what is left is usable.
@Suite(.serialized) struct KilledSignerTests {
    let place = TemporaryFolder()
    /// The tool that this package has built, beside the tests.
    static let tool =
        Bundle.allBundles.map { $0.bundleURL.deletingLastPathComponent().appending(path: "CLI") }
        .first { FileManager.default.isExecutableFile(atPath: $0.path) }
        ?? URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: "CLI")

    @Test func noLeafSignsTwice() throws {
        let keys = place.keys
        try keys.create(height: 10, passphrase, cheap)
        let secret = URL(filePath: place.path + "/passphrase")
        try Data("correct horse\n".utf8).write(to: secret)
        var used: [Int: [UInt8]] = [:], signedFiles = 0, interrupted = 0
        // What an undisturbed one takes on this host, now: the kills come from before it has begun to after it is done.
        let probe = place.path + "/probe"
        try Data("message".utf8).write(to: URL(filePath: probe))
        let start = ContinuousClock.now
        for _ in 0..<3 { try signer(keys, [probe, probe], secret).waitUntilExit() }
        let usual = (ContinuousClock.now - start) / 3
        var limit = UInt32(
            min(5e6, Double(usual.components.seconds) * 1e6 + Double(usual.components.attoseconds) / 1e12))
        // Of late: how many more were killed than were done. A host that gets busier, or idle, would make all of them the same.
        var killed = 0
        for round in 0..<500 {
            // Each run may sign two; where the tree is used up the rest of the rounds shows that nothing more is signed.
            let files = (0..<2).map { place.path + "/m\(round)-\($0)" }
            for file in files { try Data("message \(file)".utf8).write(to: URL(filePath: file)) }
            let process = try signer(keys, files, secret)
            usleep(UInt32.random(in: 0...limit + limit / 3))
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            let wasKilled = process.terminationReason == .uncaughtSignal
            interrupted += wasKilled ? 1 : 0
            killed += wasKilled ? 1 : -1
            if abs(killed) >= 8 {
                limit = killed > 0 ? min(limit / 4 * 5 + 1, 20_000_000) : limit / 5 * 4 + 1
                killed = 0
            }
            for file in files {
                guard let data = try? Data(contentsOf: URL(filePath: file + ".signed")), data.count > 100 else {
                    continue
                }
                let signed = [UInt8](data)
                guard COSESign1.isSigned(signed, by: try keys.publicKey(), for: "manifest") else { continue }
                signedFiles += 1
                let number = try leaf(of: signed, height: 10)
                #expect(used[number] == nil, "leaf \(number) signed twice")
                used[number] = signed
            }
            let left = try keys.summary()
            #expect(used.keys.allSatisfy { $0 < left.next })
        }
        // Some were killed, and some were done: else it shows nothing.
        #expect(interrupted > 50, "\(interrupted) of 500 were killed")
        #expect(signedFiles > 50, "\(signedFiles) were signed")
        // What is there after all that still signs.
        _ = try keys.sign([[1]], for: "manifest", passphrase)
    }

    private func signer(_ keys: KeyFolder, _ files: [String], _ secret: URL) throws -> Process {
        let process = Process()
        process.executableURL = Self.tool
        process.arguments = ["keys", "sign", keys.folder.path] + files + ["--passphrase-file", secret.path]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }

    /// Several at once take turns.
    @Test func severalSignersAtOnce() throws {
        let keys = place.keys
        try keys.create(height: 5, passphrase, cheap)
        let secret = URL(filePath: place.path + "/passphrase")
        try Data("correct horse\n".utf8).write(to: secret)
        var processes: [Process] = []
        for i in 0..<8 {
            let file = place.path + "/m\(i)"
            try Data("message".utf8).write(to: URL(filePath: file))
            let process = Process()
            process.executableURL = Self.tool
            process.arguments = ["keys", "sign", keys.folder.path, file, "--passphrase-file", secret.path]
            process.standardOutput = FileHandle.nullDevice
            try process.run()
            processes.append(process)
        }
        var leaves: [Int] = []
        for (i, process) in processes.enumerated() {
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
            leaves.append(try leaf(of: [UInt8](Data(contentsOf: URL(filePath: place.path + "/m\(i).signed")))))
        }
        #expect(Set(leaves) == Set(0..<8))
    }
}
