import Foundation
import Testing

@testable import Seal

/// Files: what goes in, and what is written.
@Suite struct SealedFileTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "sealed-file-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func path(_ name: String) -> String { folder.appending(path: name).path }

    @Test func itIsWholePrivateAndReplacesNothing() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = path("a.sealed"), content = [UInt8](repeating: 5, count: 500)
        try SealedFile.requireNew(file)
        try SealedFile.write(content, to: file, force: false)
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(throws: SealError.exists(file: file)) { try SealedFile.requireNew(file) }
        #expect(throws: SealError.exists(file: file)) { try SealedFile.write([1], to: file, force: false) }
        #expect(try Array(Data(contentsOf: URL(filePath: file))) == content)
        try SealedFile.write([1], to: file, force: true)
        #expect(try Array(Data(contentsOf: URL(filePath: file))) == [1])
        // A link counts as something that is there, wherever it leads.
        try FileManager.default.createSymbolicLink(atPath: path("link"), withDestinationPath: "nowhere")
        #expect(throws: SealError.exists(file: path("link"))) { try SealedFile.requireNew(path("link")) }
        #expect(throws: SealError.exists(file: path("link"))) {
            try SealedFile.write([1], to: path("link"), force: false)
        }
        #expect(throws: SealError.self) { try SealedFile.write([1], to: path("none/a"), force: true) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["a.sealed", "link"])
    }

    @Test func whatGoesInHasItsSize() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        for count in [0, 1, 15, 16, 51, 52, 60, 61, 64, 65, 1 << 20] {
            let bytes = [0, 0, 0, 1] + [UInt8](repeating: 3, count: max(count, 4) - 4), file = path("\(count)")
            try Data(bytes.prefix(count)).write(to: URL(filePath: file))
            if (16...64).contains(count) {
                #expect(try SealedFile.secret(file).count == count)
            } else {
                #expect(throws: SealError.secretSize(file: file)) { try SealedFile.secret(file) }
            }
            if [52, 60].contains(count) {
                #expect(try SealedFile.publicKey(file) == bytes)
            } else {
                #expect(throws: SealError.keySize(file: file)) { try SealedFile.publicKey(file) }
            }
        }
        try Data(repeating: 9, count: 52).write(to: URL(filePath: path("other")))
        #expect(throws: SealError.keySize(file: path("other"))) { try SealedFile.publicKey(path("other")) }
        #expect(throws: SealError.self) { try SealedFile.secret(path("absent")) }
        #expect(throws: SealError.self) { try SealedFile.secret(folder.path) }
    }

    @Test func notesSayWhatIsWeak() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        func lines(_ pcrs: Set<Int>, given: Set<Int> = [], isOwn: Bool = true) -> [String] {
            SealNotes.lines(pcrs: pcrs, given: given, isOwn: isOwn, secureBoot: path("SecureBoot"))
        }
        #expect(lines([7, 11])[0].hasPrefix("it is not known"))
        try Data([6, 0, 0, 0, 0]).write(to: URL(filePath: path("SecureBoot")))
        #expect(lines([7, 11])[0].hasPrefix("Secure Boot is off"))
        try Data([6, 0, 0, 0, 1]).write(to: URL(filePath: path("SecureBoot")))
        #expect(lines([7, 11]).isEmpty)
        #expect(lines([7, 11], given: [7])[0].hasPrefix("it is not known"))
        #expect(lines([7, 11], isOwn: false)[0].hasPrefix("it is not known"))
        #expect(lines([2, 4, 7, 11])[0].hasPrefix("PCR 4 was read") && lines([2, 4, 11], given: [4]).isEmpty)
    }

    @Test func notesSayWhatCanBeGuessedAndWhatIsOld() {
        let text = Array("correct horse battery".utf8)
        #expect(SealNotes.lines(secret: text + [0xFF], counter: 1).isEmpty)
        #expect(SealNotes.lines(secret: text + [10], counter: 1)[0].hasPrefix("the secret is text"))
        #expect(SealNotes.lines(secret: [UInt8](repeating: 0, count: 32), counter: nil)[0].contains("counter --create"))
        #expect(SealNotes.lines(secret: text, counter: nil).allSatisfy { !$0.contains("horse") })
    }
}
