import Foundation
import Testing

/// Documents name what is there: types in code, and each folder of the sources in the architecture.
@Suite struct DocumentNameTests {
    let repository = Repository()

    /// Firmware's names, and names that the change of the vCPU's runner brings.
    static let foreign: Set = ["ExitBootServices"]
    static let endings: Set = ["swift", "md", "yaml"]

    @Test func typesInBackticksExist() {
        let code = ["Sources", "Tests", "Tools", "Guests"].flatMap(repository.code).map(repository.text)
        let words = Set(code.flatMap { $0.split { !$0.isLetter && !$0.isNumber && $0 != "_" } })
        for page in repository.pages {
            for match in repository.text(page).matches(
                of: /`([A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*)(?:\.([a-z][A-Za-z0-9]*))?[`<(]/)
            {
                if Self.foreign.contains(String(match.1)) || match.2.map({ Self.endings.contains(String($0)) }) == true
                {
                    continue
                }
                let isThere = words.contains(match.1) && match.2.map(words.contains) ?? true
                #expect(isThere, "\(page): no code has the name \(match.0)")
            }
        }
    }

    /// **`Wing/Module`** for each module, and *Folder* for each folder in one.
    @Test func architectureHasEachFolder() {
        let text = repository.text("Documentation/architecture.md")
        for folder in repository.paths where folder.hasPrefix("Sources/") {
            let parts = folder.split(separator: "/").dropFirst()
            guard (2...3).contains(parts.count), repository.isFolder(folder), parts.last != "include" else { continue }
            let name = parts.count == 2 ? "**`\(parts.joined(separator: "/"))`**" : "*\(parts.dropFirst(2).joined())*"
            let isThere = text.contains(name)
            #expect(isThere, "architecture.md does not say why \(folder) exists: \(name)")
        }
    }
}
