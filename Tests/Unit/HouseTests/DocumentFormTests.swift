import Testing

/// Pages are shown as they are meant.
@Suite struct DocumentFormTests {
    let repository = Repository()

    /// Without the line below its first, a table is shown as a paragraph.
    @Test func tablesHaveTheirRule() {
        for page in repository.pages {
            let lines = Self.prose(repository.text(page))
            for (index, line) in lines.enumerated() where line.hasPrefix("|") {
                guard index == 0 || !lines[index - 1].hasPrefix("|") else { continue }
                let rule = index + 1 < lines.count ? lines[index + 1] : ""
                let isRule = rule.hasPrefix("|") && rule.contains("-") && rule.allSatisfy { "|-: ".contains($0) }
                #expect(isRule, "\(page): no rule below \(line.prefix(60))")
            }
        }
    }

    /// Commands that stand alone are in a block of code, which ends.
    @Test func commandsAreInBlocks() {
        for page in repository.pages {
            let text = repository.text(page)
            let fences = text.split(separator: "\n").count { $0.hasPrefix("```") }
            #expect(fences.isMultiple(of: 2), "\(page): a block of code does not end")
            for line in Self.prose(text) {
                #expect(!line.hasPrefix("./bulkhead "), "\(page): \(line)")
            }
        }
    }

    @Test func eachDecisionIsListed() {
        let list = repository.text("Documentation/decisions/README.md")
        for page in repository.pages where page.hasPrefix("Documentation/decisions/") && !page.hasSuffix("README.md") {
            let name = page.split(separator: "/").last ?? ""
            #expect(list.contains("](\(name))"), "\(page) is not listed")
        }
    }

    /// Lines that are in no block of code.
    private static func prose(_ text: String) -> [Substring] {
        var isCode = false
        return text.split(separator: "\n", omittingEmptySubsequences: false).filter { line in
            if line.hasPrefix("```") { isCode.toggle() }
            return !isCode && !line.hasPrefix("```")
        }
    }
}
