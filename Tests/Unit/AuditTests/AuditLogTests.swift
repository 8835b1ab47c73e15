@testable import Audit
import Foundation
import Testing

/// What is in a log stays as it was written, or it shows.
@Suite struct AuditLogTests {
    let folder = Result { try AuditFolder() }

    @Test func aLogIsReadAsItWasWritten() throws {
        let folder = try folder.get(), head = try folder.write(5)
        var read: [AuditLine] = []
        let chain = try AuditChain(path: folder.log, anchors: [head]) { read.append($0) }
        #expect(chain.isWhole && chain.records == 5 && chain.first == 1 && chain.head == head && chain.torn == 0)
        #expect(read.map(\.record) == (1...5).map(folder.record) && read.map(\.number) == [1, 2, 3, 4, 5])
        // Who opens it anew goes on.
        let again = try AuditLog(path: folder.log)
        #expect(again.head == head)
        try again.append(folder.record(6), synced: true)
        #expect(try folder.problems([head, again.head]).isEmpty)
        let mode = try FileManager.default.attributesOfItem(atPath: folder.log)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    /// Each line with each of its characters changed, taken out, doubled, or exchanged with the next.
    @Test func whateverIsDoneToItShows() throws {
        let folder = try folder.get()
        try folder.write(4)
        let lines = try folder.lines
        for at in lines.indices {
            for place in 0..<lines[at].utf8.count {
                var changed = Array(lines[at].utf8)
                changed[place] = changed[place] == 0x31 ? 0x32 : 0x31
                var all = lines
                all[at] = String(decoding: changed, as: UTF8.self)
                try folder.write(lines: all)
                #expect(try !folder.problems().isEmpty, "line \(at), byte \(place)")
            }
            var all = lines
            all.remove(at: at)
            try folder.write(lines: all)
            #expect(try !folder.problems().isEmpty, "without line \(at)")
            all = lines
            all.insert(lines[at], at: at)
            try folder.write(lines: all)
            #expect(try !folder.problems().isEmpty, "line \(at) twice")
            guard at > 0 else { continue }
            all = lines
            all.swapAt(at - 1, at)
            try folder.write(lines: all)
            #expect(try !folder.problems().isEmpty, "line \(at) moved")
        }
        try folder.write(lines: lines)
        #expect(try folder.problems().isEmpty)
    }

    /// Whoever may write the files can make a chain of his own. A head that was noted elsewhere tells.
    @Test func aForgedLogIsFoundByAHeadThatWasNoted() throws {
        let folder = try folder.get(), noted = try folder.write(3)
        for file in [folder.log, folder.log + AuditHeadFile.suffix] { try FileManager.default.removeItem(atPath: file) }
        try folder.write(9)
        #expect(try folder.problems().isEmpty)
        #expect(try folder.problems([noted]) == ["record 3 is another than was written"])
        try FileManager.default.removeItem(atPath: folder.log + AuditHeadFile.suffix)
        try folder.write(lines: [])
        #expect(try folder.problems([noted]) == ["record 3 was written, and the last that is left is record 0"])
    }

    @Test func olderFilesAreOneLogWithIt() throws {
        let folder = try folder.get(), head = try folder.write(40, limit: 1000)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(names.count > 5)
        let chain = try AuditChain(path: folder.log, anchors: [head])
        #expect(chain.isWhole && chain.records == 40 && chain.first == 1)
        // One of them is missing, or the two oldest.
        try FileManager.default.moveItem(atPath: folder.log + ".3", toPath: folder.path + "/kept")
        #expect(try !folder.problems().isEmpty)
        try FileManager.default.moveItem(atPath: folder.path + "/kept", toPath: folder.log + ".3")
        #expect(try folder.problems().isEmpty)
        let oldest = names.compactMap { Int($0.dropFirst("a.audit.".count)) }.max() ?? 0
        for number in [oldest, oldest - 1] { try FileManager.default.removeItem(atPath: "\(folder.log).\(number)") }
        let first = try AuditChain(path: folder.log).first
        #expect(try folder.problems() == ["the first record is \(first): what was before it is missing"])
    }

    @Test func theOldestGoesInTheEnd() throws {
        let folder = try folder.get(), early = try folder.write(3)
        do {
            let log = try AuditLog(path: folder.log, limit: 300)
            for number in 4...200 { try log.append(folder.record(number), synced: false) }
            try log.synchronize()
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(names.count == AuditLog.files + 1, "\(names)")
        let chain = try AuditChain(path: folder.log)
        #expect(chain.isWhole && chain.first > 1 && chain.head.number == 200)
        // A head that was noted early has gone with the oldest file.
        #expect(try folder.problems([early]).isEmpty)
    }

    /// Names that a client or a machine made up stay in their line, and the line is bounded.
    @Test func aLineIsALine() throws {
        let folder = try folder.get(), log = try AuditLog(path: folder.log)
        let texts = [
            "a\"b\\c", "a\nb\r\u{1B}[31m", "\u{2028}\u{2029}\u{85}\u{7F}\0", "æ漢😀", "\",\"n\":7,\"x\":\"",
            String(repeating: "\u{1}", count: 100_000), "",
        ]
        for text in texts {
            var record = AuditRecord(.answer)
            (record.domain, record.call, record.detail) = (text, "x", text)
            try log.append(record, synced: false)
        }
        try log.synchronize()
        var read: [AuditLine] = []
        #expect(try AuditChain(path: folder.log) { read.append($0) }.isWhole)
        #expect(read.count == texts.count)
        for (line, text) in zip(read, texts) where text.count < 1000 { #expect(line.record.domain == text) }
        for line in try folder.lines {
            #expect(line.utf8.count < 16 << 10)
            #expect(line.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) })
        }
        #expect(read.allSatisfy { AuditReport.text($0).unicodeScalars.allSatisfy { $0.value >= 0x20 } })
    }

    /// What is written into a file that nobody finds is not written.
    @Test func aFileThatIsTakenAwayIsMissed() throws {
        let folder = try folder.get(), log = try AuditLog(path: folder.log), files = FileManager.default
        try log.append(folder.record(1), synced: true)
        try files.moveItem(atPath: folder.log, toPath: folder.path + "/kept")
        #expect(throws: AuditError.replaced(path: folder.log)) { try log.append(folder.record(2), synced: true) }
        try files.copyItem(atPath: folder.path + "/kept", toPath: folder.log)
        #expect(throws: AuditError.replaced(path: folder.log)) { try log.append(folder.record(2), synced: true) }
        try files.removeItem(atPath: folder.log)
        try files.moveItem(atPath: folder.path + "/kept", toPath: folder.log)
        try log.append(folder.record(2), synced: true)
        #expect(truncate(folder.log, 10) == 0)
        #expect(throws: AuditError.replaced(path: folder.log)) { try log.append(folder.record(3), synced: true) }
    }

    /// A link in the place of a file that is begun leads to another one.
    @Test func nothingElseIsEmptied() throws {
        let folder = try folder.get(), log = try AuditLog(path: folder.log, limit: 300)
        for number in 1...2 { try log.append(folder.record(number), synced: true) }
        try Data("prey".utf8).write(to: URL(filePath: folder.path + "/prey"))
        try FileManager.default.linkItem(atPath: folder.path + "/prey", toPath: folder.log + ".new")
        try log.append(folder.record(3), synced: true)
        #expect(try Data(contentsOf: URL(filePath: folder.path + "/prey")) == Data("prey".utf8))
        #expect(try folder.problems().isEmpty)
    }

    @Test(arguments: ["0", "18446744073709551615", "-1", "1.5"]) func aNumberThatIsNone(_ number: String) throws {
        let folder = try folder.get(), zeros = AuditHead.none.digest
        try folder.write(lines: ["{\"n\":\(number),\"time\":\"\",\"prev\":\"\(zeros)\",\"kind\":\"started\"}"])
        #expect(try folder.problems() == ["is no record"])
        #expect(throws: AuditError.self) { _ = try AuditLog(path: folder.log) }
    }

    /// While the daemon begins new files nothing is missed that is there.
    @Test func aLogIsReadWhileItIsWritten() async throws {
        let folder = try folder.get(), path = folder.log
        _ = try AuditLog(path: path)
        let writer = Task.detached {
            let log = try AuditLog(path: path, limit: 2000)
            var record = AuditRecord(.answer)
            for number in 1...3000 {
                record.client = number
                try log.append(record, synced: false)
            }
            try log.synchronize()
        }
        for _ in 0..<50 { #expect(try folder.problems().isEmpty) }
        try await writer.value
        #expect(try AuditChain(path: path).head.number == 3000)
    }

    @Test func aFileOfOthersIsNoLog() throws {
        let folder = try folder.get()
        try FileManager.default.createSymbolicLink(atPath: folder.log, withDestinationPath: folder.path + "/else")
        #expect(throws: AuditError.system(path: folder.log, number: ELOOP)) { _ = try AuditLog(path: folder.log) }
        try FileManager.default.removeItem(atPath: folder.log)
        try #require(unsafe mkfifo(folder.log, 0o600) == 0)
        #expect(throws: AuditError.exposed(path: folder.log)) { _ = try AuditLog(path: folder.log) }
    }

    @Test func aHeadIsReadAsItIsPrinted() {
        let head = AuditHead(number: 12, digest: String(repeating: "0a", count: 32))
        #expect(AuditHead(head.description) == head)
        let digest = head.digest
        for text in ["", "1", "1:", ":\(digest)", "-1:\(digest)", "1:\(digest)0", "1:\(digest.uppercased())"] {
            #expect(AuditHead(text) == nil, "\(text)")
        }
    }
}
