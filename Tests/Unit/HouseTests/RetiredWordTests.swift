import Foundation
import Testing

/// Words that had several meanings, or none that the field knows, do not come back as names.
@Suite struct RetiredWordTests {
    let repository = Repository()

    static let types = [
        "Board", "NoticeBoard", "Nothing", "StandIn", "Ledger", "Yard", "Arena", "Keeper", "Patience", "Seen", "Mail",
        "Doorbell", "Gate", "Mailbox", "Verdict",
    ]
    /// Functions and values.
    static let others = [
        "board", "noticeBoard", "patience", "ledger", "yard", "keeper", "doorbell", "attend", "stoodAt", "condemn",
        "verdict",
        "stepOver", "mail", "gate",
    ]

    @Test func noneIsDeclared() {
        let retired = Set(Self.types + Self.others)
        let declaration = /\b(?:struct|class|enum|actor|protocol|typealias|func|let|var|case)\s+([A-Za-z_]+)/
        for file in repository.code(under: "Sources") + repository.code(under: "Tests") where file.hasSuffix(".swift") {
            for line in repository.text(file).split(separator: "\n") {
                guard !line.drop(while: { $0 == " " }).hasPrefix("//") else { continue }
                for match in line.matches(of: declaration) {
                    #expect(!retired.contains(String(match.1)), "\(file): \(match.0): see Documentation/glossary.md")
                }
            }
        }
    }
}
