import ArgumentParser
import Audit
import Foundation
import Reports

/// `bulkhead audit`: what `bulkheadd` has written of who asked for what.
struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Look at the daemon's audit log: is it whole, and who did what.",
        discussion: """
            bulkheadd writes three logs beside its definitions: bulkheadd.audit has each change, before it is carried out and \
            when it is answered; bulkheadd.reads connections, reads and refusals; bulkheadd.events what the machine told. Each \
            line has the digest of the one before.
            """,
        subcommands: [Verify.self, Show.self])

    /// Reads a log in one go.
    fileprivate static func read(
        _ path: String, _ anchors: [AuditHead] = [], each: (AuditLine) -> Void = { _ in }
    ) throws -> AuditChain {
        do { return try AuditChain(path: path, anchors: anchors, each: each) } catch {
            Manage.fail("\(error)")
            throw ExitCode(2)
        }
    }

    fileprivate static func tell(_ chain: AuditChain) {
        for problem in chain.problems {
            Manage.fail("\(problem.file)\(problem.line.map { ", line \($0)" } ?? ""): \(problem.words)")
        }
        if chain.moreProblems > 0 { Manage.fail("\(chain.moreProblems) more") }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Find what was deleted, changed or moved in a log.",
            discussion: """
                Prints the log's head, NUMBER:DIGEST. Who can write the log can write a whole new one: note heads elsewhere, and \
                give them later with --head. The daemon may run meanwhile.

                Exit codes: 0 whole; 1 it is not, and where is said; 2 it cannot be read; 64 the command line is wrong.
                """)

        @Argument(help: "The log: bulkheadd.audit, .reads or .events.") var file: String
        @Option(
            help: ArgumentHelp("A head that it had before; repeatable.", valueName: "number:digest"),
            transform: { text in
                guard let head = AuditHead(text) else {
                    throw ValidationError("\"\(text)\" is no head: `bulkhead audit verify` prints them")
                }
                return head
            })
        var head: [AuditHead] = []
        @Flag(help: "Print JSON.") var json = false

        func run() throws {
            let chain = try AuditCommand.read(file, head)
            if json {
                print(try jsonText(chain))
            } else if chain.isWhole, chain.records == 0 {
                print("\(file): no records")
            } else if chain.isWhole {
                print("\(file): whole, records \(chain.first) to \(chain.head.number)\nhead \(chain.head)")
            } else {
                AuditCommand.tell(chain)
            }
            if !chain.isWhole { throw ExitCode(1) }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print a log's records, one a line.",
            discussion: """
                Exit codes: 0 shown, and the log is whole; 1 shown, and it is not, which is said; 2 it cannot be read; 64 the command \
                line is wrong.
                """)

        @Argument(help: "The log: bulkheadd.audit, .reads or .events.") var file: String
        @Option(help: ArgumentHelp("Only of this domain or partition.", valueName: "name")) var domain: String?
        @Option(help: ArgumentHelp("Only of this user.", valueName: "uid")) var uid: UInt32?
        @Option(help: ArgumentHelp("Only of this client's certificate.", valueName: "name")) var certificate: String?
        @Option(help: ArgumentHelp("Only the latest.", valueName: "count")) var last: Int?

        func validate() throws {
            guard last ?? 1 > 0 else { throw ValidationError("--last is 1 or more") }
        }

        func run() throws {
            var lines: [String] = []
            let chain = try AuditCommand.read(file) { line in
                let record = line.record
                if let domain, record.domain != domain, record.partition != domain { return }
                if let uid, record.uid != uid { return }
                if let certificate, record.certificate?.hasPrefix(certificate + " ") != true { return }
                guard let last else { return Terminal.write(AuditReport.text(line) + "\n") }
                lines.append(AuditReport.text(line))
                if lines.count / 2 > last { lines.removeFirst(lines.count - last) }
            }
            Terminal.write(lines.suffix(last ?? 0).map { $0 + "\n" }.joined())
            AuditCommand.tell(chain)
            if !chain.isWhole { throw ExitCode(1) }
        }
    }
}
