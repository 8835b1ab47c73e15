@testable import Audit
import Foundation
import Testing

/// After a loss of power, a kill or a full disk a log goes on from what is there, or says that something is missing.
@Suite struct AuditRecoveryTests {
    let folder = Result { try AuditFolder() }

    /// To a log whose end is missing nothing is added, nor is anything taken away.
    @Test func aLogThatHasLostItsEndIsNotGoneOnWith() throws {
        let folder = try folder.get(), head = try folder.write(3)
        let lines = try folder.lines
        for left in 0..<3 {
            try folder.write(lines: Array(lines[..<left]))
            #expect(throws: AuditError.lost(path: folder.log, written: head.number)) {
                _ = try AuditLog(path: folder.log)
            }
            #expect(
                try folder.problems().contains("record 3 was written, and the last that is left is record \(left)"))
            #expect(try folder.lines == Array(lines[..<left]))
        }
        // Its newline alone is missing, or a character of it another one.
        let text = lines.joined(separator: "\n")
        for cut in [text, text.replacing("\"client\":3", with: "\"client\":4") + "\n"] {
            try cut.write(toFile: folder.log, atomically: false, encoding: .utf8)
            #expect(throws: AuditError.lost(path: folder.log, written: head.number)) {
                _ = try AuditLog(path: folder.log)
            }
            #expect(try String(contentsOfFile: folder.log, encoding: .utf8) == cut)
        }
        // Nothing says what was last.
        try folder.write(lines: lines)
        try FileManager.default.removeItem(atPath: folder.log + AuditHeadFile.suffix)
        #expect(throws: AuditError.lost(path: folder.log, written: nil)) { _ = try AuditLog(path: folder.log) }
        #expect(try folder.problems() == ["is missing, or says nothing: what the end was is not known"])
        try folder.write(lines: ["nonsense"])
        #expect(throws: AuditError.lost(path: folder.log, written: nil)) { _ = try AuditLog(path: folder.log) }
        try Data("12".utf8).write(to: URL(filePath: folder.log + AuditHeadFile.suffix))
        #expect(throws: AuditError.damagedHead(path: folder.log + AuditHeadFile.suffix)) {
            _ = try AuditLog(path: folder.log)
        }
    }

    /// A loss of power leaves anything behind what was synced: a part of a line, zeros in the place of lines, lines that are not
    /// the next ones.
    @Test func whatALossOfPowerLeavesIsTakenAway() throws {
        let folder = try folder.get()
        try folder.write(2)
        let head: Data, text: String
        do {
            let log = try AuditLog(path: folder.log)
            try log.append(folder.record(3), synced: true)
            head = try Data(contentsOf: URL(filePath: folder.log + AuditHeadFile.suffix))
            // These were not.
            for number in 4...5 { try log.append(folder.record(number), synced: false) }
            text = try String(contentsOfFile: folder.log, encoding: .utf8)
        }
        let zeros = String(repeating: "\0", count: 40_000), lines = text.split(separator: "\n").map { "\($0)\n" }
        for (left, last) in [
            ("x", 5), (String(repeating: "x", count: 40_000), 5), (zeros, 5), (zeros + "\n" + lines[4], 5),
            (lines[3], 5),
            ("nonsense\n", 5),
        ] {
            try (text + left).write(toFile: folder.log, atomically: false, encoding: .utf8)
            try head.write(to: URL(filePath: folder.log + AuditHeadFile.suffix))
            let log = try AuditLog(path: folder.log)
            #expect(log.head.number == UInt64(last + 1))
            let repaired = try AuditLine(Array(try folder.lines[last].utf8))?.record
            #expect(repaired?.kind == .repaired && repaired?.detail == "\(left.utf8.count) bytes")
            #expect(try folder.problems().isEmpty)
        }
        // The fourth is gone, and the fifth is there.
        try (lines[..<3].joined() + zeros + "\n" + lines[4]).write(
            toFile: folder.log, atomically: false, encoding: .utf8)
        try head.write(to: URL(filePath: folder.log + AuditHeadFile.suffix))
        #expect(try AuditLog(path: folder.log).head.number == 4)
        #expect(try folder.problems().isEmpty)
    }

    /// The first record came to the disk, and the head did not, as where it is full: the second brings it along.
    @Test func aSecondRecordHasAHead() throws {
        let folder = try folder.get(), log = try AuditLog(path: folder.log)
        try log.append(folder.record(1), synced: false)
        #expect(try Data(contentsOf: URL(filePath: folder.log + AuditHeadFile.suffix)).isEmpty)
        try log.append(folder.record(2), synced: false)
        #expect(try AuditLog(path: folder.log).head.number == 2)
    }

    /// The last of the names could not be given: the files do not move further at each try, and a start finds what was written last.
    @Test func aNewFileThatGetsNoNameMovesNothing() throws {
        let folder = try folder.get(), log = try AuditLog(path: folder.log, limit: 300), files = FileManager.default
        for number in 1...2 { try log.append(folder.record(number), synced: true) }
        try files.moveItem(atPath: folder.log, toPath: folder.log + ".1")
        try log.append(folder.record(3), synced: true)
        #expect(files.fileExists(atPath: folder.log + ".1") && !files.fileExists(atPath: folder.log + ".2"))
        #expect(try folder.problems().isEmpty)
        #expect(try AuditLog(path: folder.log).head.number == 3)
    }

    /// What was cut off is said before anything else, also where that could not be written at once.
    @Test func aCutIsSaidInTheEnd() throws {
        let folder = try folder.get(), files = FileManager.default
        try folder.write(2)
        let text = try String(contentsOfFile: folder.log, encoding: .utf8)
        try (text + "torn").write(toFile: folder.log, atomically: false, encoding: .utf8)
        // In the place of the file that would be begun.
        try files.createDirectory(atPath: folder.log + ".new", withIntermediateDirectories: false)
        let log = try AuditLog(path: folder.log, limit: 1)
        #expect(log.head.number == 2)
        #expect(throws: AuditError.self) { try log.append(folder.record(3), synced: true) }
        try files.removeItem(atPath: folder.log + ".new")
        try log.append(folder.record(3), synced: true)
        var kinds: [AuditRecord.Kind] = []
        #expect(try AuditChain(path: folder.log) { kinds.append($0.record.kind) }.isWhole)
        #expect(kinds == [.answer, .answer, .repaired, .answer])
    }

    /// It was not its first that came whole.
    @Test func aFirstLineThatIsTornIsTakenAway() throws {
        let folder = try folder.get()
        try Data("{\"n\":1".utf8).write(to: URL(filePath: folder.log))
        #expect(try AuditLog(path: folder.log).head.number == 1)
        #expect(try folder.problems().isEmpty)
    }

    /// One of the two places is torn: the other counts, and what follows from it is there.
    @Test func aTornHeadLeavesTheOther() throws {
        let folder = try folder.get()
        do {
            let log = try AuditLog(path: folder.log)
            for number in 1...3 { try log.append(folder.record(number), synced: true) }
        }
        let path = URL(filePath: folder.log + AuditHeadFile.suffix), whole = try Data(contentsOf: path)
        #expect(AuditHeadFile.parse(Array(whole))?.number == 3)
        for place in [0, 4096] {
            var torn = whole
            torn[place + 30] = 0
            try torn.write(to: path)
            #expect(try folder.problems().isEmpty)
            #expect(try AuditLog(path: folder.log).head.number == 3)
        }
    }

    /// A new file was begun, and nothing has come into it.
    @Test func anEmptyNewestFileIsGoneOnWith() throws {
        let folder = try folder.get(), head = try folder.write(3)
        try FileManager.default.moveItem(atPath: folder.log, toPath: folder.log + ".1")
        let log = try AuditLog(path: folder.log)
        #expect(log.head == head)
        #expect(try folder.problems([head]).isEmpty)
        try log.append(folder.record(4), synced: true)
        #expect(try folder.problems([head]).isEmpty)
    }

    /// What cannot be written changes nothing, and what comes later goes on from what is there.
    @Test func afterAFailureItGoesOn() throws {
        let folder = try folder.get(), log = try AuditLog(path: folder.log, limit: 300)
        try log.append(folder.record(1), synced: true)
        try log.append(folder.record(2), synced: true)
        // In the place of the file that would be begun.
        try FileManager.default.createDirectory(atPath: folder.log + ".new", withIntermediateDirectories: false)
        #expect(throws: AuditError.self) { try log.append(folder.record(3), synced: true) }
        #expect(try AuditChain(path: folder.log).head == log.head)
        try FileManager.default.removeItem(atPath: folder.log + ".new")
        try log.append(folder.record(3), synced: true)
        #expect(log.head.number == 3)
        #expect(try folder.problems().isEmpty)
    }

    /// A kill in the middle of it leaves a gap among the older files, which the next one fills; nothing is lost by it.
    @Test func aNewFileThatWasHalfBegunIsGoneOnWith() throws {
        let folder = try folder.get(), log = try AuditLog(path: folder.log, limit: 300)
        for number in 1...9 { try log.append(folder.record(number), synced: true) }
        for number in [4, 3] {
            try FileManager.default.moveItem(atPath: "\(folder.log).\(number)", toPath: "\(folder.log).\(number + 1)")
        }
        #expect(!FileManager.default.fileExists(atPath: folder.log + ".3"))
        #expect(try folder.problems().isEmpty)
        for number in 10...20 { try log.append(folder.record(number), synced: true) }
        #expect(FileManager.default.fileExists(atPath: folder.log + ".3"))
        let chain = try AuditChain(path: folder.log)
        #expect(chain.isWhole && chain.records == 20)
    }
}
