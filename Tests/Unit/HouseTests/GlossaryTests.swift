import Foundation
import Testing

/// The glossary has words that are in use, each once.
@Suite struct GlossaryTests {
    let repository = Repository()
    static let page = "Documentation/glossary.md"

    /// The first cells of the rows; several terms of one row are parted by commas.
    private var terms: [String] {
        repository.text(Self.page).split(separator: "\n").filter { $0.hasPrefix("| ") && !$0.hasPrefix("| Term ") }
            .flatMap { $0.split(separator: "|")[0].split(separator: ",") }
            .map { $0.trimmingCharacters(in: .whitespaces) }
    }

    @Test func eachTermIsInUse() {
        let text = (repository.code(under: "Sources") + repository.pages.filter { $0 != Self.page })
            .map(repository.text).joined(separator: "\n").lowercased()
        // A term of several words is one identifier in code, and may be broken at the end of a line.
        let joined = Self.joined(text)
        #expect(terms.count > 80)
        for term in terms {
            let isInUse = joined.contains(Self.joined(term.lowercased()))
            #expect(isInUse, "nobody says \(term)")
        }
    }

    private static func joined(_ text: String) -> String { text.filter { !$0.isWhitespace && $0 != "-" && $0 != "_" } }

    @Test func eachTermHasOneRowAndASource() {
        #expect(Dictionary(grouping: terms) { $0 }.filter { $1.count > 1 }.keys.sorted() == [])
        for line in repository.text(Self.page).split(separator: "\n") where line.hasPrefix("| ") {
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast()
            #expect(
                cells.count == 3 && cells.allSatisfy { !$0.trimmingCharacters(in: .whitespaces).isEmpty }, "\(line)")
        }
    }
}
