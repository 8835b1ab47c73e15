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
        var anchors = anchors.filter { $0.number > 0 }
        // Before the log: it is never behind.
        let headPath = path + AuditHeadFile.suffix
        let written = try Self.bytes(headPath)
        let noted = AuditHeadFile.parse(written)
        if noted == nil { add(headPath, nil, "is no place in a log") }
        if let noted, noted.number > 0 { anchors.append(noted) }
        let files = try AuditFiles(path)
        for (name, file) in files.open {
            if torn > 0 { add(name, nil, "follows a file that ends within a line") }
            try read(file, name, &anchors, each)
        }
        if records > 1, noted == AuditHead.none {
            add(headPath, nil, "is missing, or says nothing: what the end was is not known")
        }
        // The oldest goes when there are more than that.
        if first > 1, files.open.count < AuditLog.files - 1 {
            add(path, nil, "the first record is \(first): what was before it is missing")
        }
        for anchor in anchors where anchor.number > head.number {
            add(path, nil, "record \(anchor.number) was written, and the last that is left is record \(head.number)")
        }
        // One that has gone with the oldest file is not missed.
        for anchor in anchors where anchor.number <= head.number && anchor.number >= first {
            add(path, nil, "record \(anchor.number) was written and is not there")
        }
    }

    /// Only read, whoever may; none for a file that there is not.
    private static func bytes(_ path: String) throws(AuditError) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return [] }
            throw .system(path: path, number: errno)
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        do { return try Array(handle.read(upToCount: 64 << 10) ?? Data()) } catch {
            throw .system(path: path, number: EIO)
        }
    }

    private mutating func read(
        _ file: FileHandle, _ name: String, _ anchors: inout [AuditHead], _ each: (AuditLine) -> Void
    ) throws {
        var number = 0, rest: [UInt8] = []
        while let data = try file.read(upToCount: 1 << 20), !data.isEmpty {
            rest += data
            var at = 0
            while let end = rest[at...].firstIndex(of: 0x0A) {
                number += 1
                take(rest[at..<end], name, number, &anchors, each)
                at = end + 1
            }
            rest.removeFirst(at)
        }
        torn = rest.count
    }

    private mutating func take(
        _ bytes: ArraySlice<UInt8>, _ file: String, _ number: Int, _ anchors: inout [AuditHead],
        _ each: (AuditLine) -> Void
    ) {
        guard let line = AuditLine(bytes) else { return add(file, number, "is no record") }
        let digest = AuditText.digest(Array(bytes).span)
        if records == 0 {
            first = line.number
            if line.number == 1, line.previous != AuditHead.none.digest { add(file, number, "is no beginning") }
        } else if line.number != head.number + 1 {
            add(file, number, "record \(line.number) follows record \(head.number): records are missing or were moved")
        } else if line.previous != head.digest {
            add(
                file, number,
                "record \(line.number) does not follow from record \(head.number): one of them was changed")
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

/// The files of a log, all opened before the first is read: a daemon that begins a new one meanwhile moves none away.
private struct AuditFiles {
    /// The oldest first.
    private(set) var open: [(name: String, file: FileHandle)] = []

    init(_ path: String) throws(AuditError) {
        // As many as it takes for none to have got another name while they were opened; a daemon seldom begins one.
        for attempt in 0..<10 {
            open = []
            let before = Self.numbers(path)
            for number in stride(from: AuditLog.files - 1, through: 0, by: -1) {
                let name = number == 0 ? path : "\(path).\(number)"
                let descriptor = unsafe Glibc.open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
                if descriptor >= 0 {
                    open.append((name, FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)))
                } else if errno != ENOENT || number == 0 && attempt == 9 {
                    throw .system(path: name, number: errno)
                }
            }
            if before[0] != nil, before == Self.numbers(path) { return }
            usleep(1000)
        }
        throw .system(path: path, number: EAGAIN)
    }

    /// What tells the files apart, the newest first; nil: there is none.
    private static func numbers(_ path: String) -> [UInt64?] {
        (0..<AuditLog.files).map { number in
            var facts = stat()
            // The structure is one of the call's own kind.
            return unsafe stat(number == 0 ? path : "\(path).\(number)", &facts) == 0 ? UInt64(facts.st_ino) : nil
        }
    }
}
