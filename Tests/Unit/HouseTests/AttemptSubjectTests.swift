import Testing

/// The table of `Documentation/adversary.md` says what tries each way that was found. Every name in it is there.
@Suite struct AttemptSubjectTests {
    private static let page = "Documentation/adversary.md"

    private static var rows: [Substring] {
        let text = Repository.current.text(page)
        let section = text.split(separator: "## Which attempt is whose").last ?? ""
        return section.split(separator: "\n## ").first?.split(separator: "\n").filter { $0.hasPrefix("| ") } ?? []
    }

    /// Suites by their name: those of machines, and those of units.
    private static func suites(under folder: String) -> Set<Substring> {
        Set(
            Repository.swiftFiles.filter { $0.path.hasPrefix(folder) }.flatMap(\.lines).compactMap {
                $0.firstMatch(of: /@Suite.* struct ([A-Za-z0-9]+)/)?.1
            })
    }

    @Test func eachNameIsAnAttemptASuiteOrAModel() {
        let attempts = Repository.current.text("Tests/Guests/attempts.yaml").split(separator: "\n").compactMap {
            $0.firstMatch(of: #/^ {4}([a-z0-9][^ ]*): /#)?.1
        }
        let machines = Self.suites(under: "Tests/Machines/"), units = Self.suites(under: "Tests/Unit/")
        var count = 0
        for row in Self.rows.dropFirst() {
            let names = row.split(separator: "|").last { $0.contains("`") }?.matches(of: /`([^`]+)`/).map(\.1) ?? []
            #expect(!names.isEmpty, "\(row)")
            for name in names {
                count += 1
                let isThere: Bool
                if name.hasSuffix("*") {
                    isThere = attempts.contains { $0.hasPrefix(name.dropLast()) }
                } else if name.hasPrefix("MachineTests/") {
                    isThere = machines.contains(name.dropFirst("MachineTests/".count))
                } else if name.contains("/") {
                    isThere = Repository.current.exists(String(name))
                } else {
                    isThere = units.contains(name) || attempts.contains(name)
                }
                #expect(isThere, "\(Self.page): nothing has the name \(name)")
            }
        }
        #expect(count > 60 && attempts.count > 600, "the table was not found")
    }
}
