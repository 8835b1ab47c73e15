import Foundation
import Testing

/// Figures that documents name are those of the contract. A figure says which it is in a comment behind it:
/// `500<!-- exits_to_user_space.bound -->`, `248 KiB<!-- memory_two-cores.last -->`.
@Suite struct FigureTests {
    let repository = Repository()

    /// By name and "bound" or "last", as Tools/contract.yaml has them.
    private func contract() -> [String: Double] {
        var figures: [String: Double] = [:]
        for line in repository.text("Tools/contract.yaml").split(separator: "\n") {
            guard let row = line.wholeMatch(of: /\s*([a-z0-9_-]+):\s*\{(.*)\}/) else { continue }
            for term in row.2.matches(of: /(below|at-most|last): ([0-9.]+)/) {
                figures["\(row.1).\(term.1 == "last" ? "last" : "bound")"] = Double(term.2)
            }
        }
        return figures
    }

    @Test func markedFiguresAreTheContracts() {
        let contract = contract()
        var count = 0
        for page in repository.pages {
            for mark in repository.text(page).matches(of: /([0-9][0-9,.]*)( KiB)?<!-- ([a-z0-9_-]+\.[a-z]+) -->/) {
                let value = Double(mark.1.filter { $0 != "," }).map { mark.2 == nil ? $0 : $0 * 1024 }
                #expect(value == contract[String(mark.3)], "\(page): \(mark.1)\(mark.2 ?? "") is not \(mark.3)")
                count += 1
            }
        }
        #expect(count > 5)
    }

    /// A comment that says a figure's name is behind a figure.
    @Test func everyMarkIsRead() {
        for page in repository.pages {
            let text = repository.text(page)
            let marks = text.matches(of: /<!-- [a-z0-9_-]+\.(bound|last) -->/).count
            let read = text.matches(of: /[0-9][0-9,.]*( KiB)?<!-- [a-z0-9_-]+\.(bound|last) -->/).count
            #expect(marks == read, "\(page): a figure's name has no figure before it")
        }
    }
}
