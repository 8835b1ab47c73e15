import Foundation
import Testing

/// Words that had several meanings, or none that the field knows, do not come back as names.
@Suite struct RetiredWordTests {
    let repository = Repository()

    /// By the first letter's case: types, then functions and values.
    static let types = [
        "Board", "NoticeBoard", "Nothing", "StandIn", "Ledger", "Yard", "Arena", "Keeper", "Patience", "Seen", "Gate",
        "Mail",
        "Mailbox", "Verdict", "Doorbell",
    ]
    static let others = [
        "attend", "stand", "stoodAt", "forget", "condemn", "verdict", "patience", "follow", "stepOver", "board", "mail",
        "gate",
        "ledger", "yard", "keeper", "noticeBoard",
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
