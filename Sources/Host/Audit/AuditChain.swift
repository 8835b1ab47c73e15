import Foundation

/// What a look at a whole audit log has found.
public struct AuditChain: Sendable, Encodable {
    public struct Problem: Sendable, Encodable, Equatable {
        public let file: String
        /// From 1 on; nil: of the log as a whole.
        public let line: Int?
        public let words: String
    }

    /// Records that are there, the first one's number, and the last one's place.
    public private(set) var records = 0
    public private(set) var first: UInt64 = 0
    public private(set) var head = AuditHead.none
    /// Bytes behind the last line: the daemon is writing, or was cut off.
    public private(set) var torn = 0
    public private(set) var problems: [Problem] = []
    public private(set) var moreProblems = 0

    public var isWhole: Bool { problems.isEmpty }
    private static let mostProblems = 20

    /// - Parameters:
    ///   - path: of the newest file; older ones beside it are read first.
    ///   - anchors: places that it had before, noted elsewhere.
    ///   - each: is given each record that is one.
    /// - Throws: `AuditError` where a file cannot be read.
    public init(path: String, anchors: [AuditHead] = [], each: (AuditLine) -> Void = { _ in }) throws {
        // Before the log: it is never behind.
        var anchors = anchors
        let headPath = path + AuditLog.headSuffix
        if let text = try? String(contentsOfFile: headPath, encoding: .utf8), !text.isEmpty {
            let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
            let head = AuditHead(trimmed)
            if let head { anchors.append(head) } else { add(headPath, nil, "is no place in a log") }
        }
        var older: [String] = []
        while FileManager.default.fileExists(atPath: "\(path).\(older.count + 1)") {
            older.append("\(path).\(older.count + 1)")
        }
        for file in older.reversed() + [path] {
            let data: Data
            do { data = try Data(contentsOf: URL(filePath: file), options: .mappedIfSafe) } catch {
                throw AuditError.system(path: file, number: Self.number(error))
            }
            if torn > 0 { add(file, nil, "follows a file that ends within a line") }
            read(data, file, &anchors, each)
        }
        // The oldest goes when there are more than that.
        if first > 1, older.count < AuditLog.files - 1 {
            add(path, nil, "the first record is \(first): what was before it is missing")
        }
        for anchor in anchors where anchor.number > head.number {
            add(path, nil, "record \(anchor.number) was written, and the last that is left is record \(head.number)")
        }
        for anchor in anchors where anchor.number > 0 && anchor.number <= head.number {
            add(path, nil, "record \(anchor.number) was written and is not there")
        }
    }

    private static func number(_ error: Error) -> Int32 {
        ((error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError).map { Int32($0.code) } ?? ENOENT
    }

    private mutating func read(_ data: Data, _ file: String, _ anchors: inout [AuditHead], _ each: (AuditLine) -> Void)
    {
        var at = data.startIndex, number = 0
        while let end = data[at...].firstIndex(of: 0x0A) {
            number += 1
            take(Array(data[at..<end]), file, number, &anchors, each)
            at = end + 1
        }
        torn = data.endIndex - at
    }

    private mutating func take(
        _ bytes: [UInt8], _ file: String, _ number: Int, _ anchors: inout [AuditHead], _ each: (AuditLine) -> Void
    ) {
        guard let line = AuditLine(bytes) else { return add(file, number, "is no record") }
        let digest = AuditText.digest(bytes.span)
        if records == 0 {
            first = line.number
            if line.number <= 1, line.previous != AuditHead.none.digest || line.number == 0 {
                add(file, number, "is no beginning")
            }
        } else if line.number != head.number + 1 {
            add(file, number, "record \(line.number) follows record \(head.number): records are missing or were moved")
        } else if line.previous != head.digest {
            let words = "record \(line.number) does not follow from record \(head.number): one of them was changed"
            add(file, number, words)
        }
        anchors.removeAll { anchor in
            guard anchor.number == line.number else { return false }
            if anchor.digest != digest { add(file, number, "record \(line.number) is another than was written") }
            return true
        }
        records += 1
        head = AuditHead(number: line.number, digest: digest)
        each(line)
    }

    private mutating func add(_ file: String, _ line: Int?, _ words: String) {
        guard problems.count < Self.mostProblems else { return moreProblems += 1 }
        problems.append(Problem(file: file, line: line, words: words))
    }
}
