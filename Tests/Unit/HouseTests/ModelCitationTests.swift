import Foundation
import Testing

/// Each step of the models of Tests/Models names the code that it stands for, and each of their variables what it is: a model
/// of code that is gone proves nothing.
@Suite struct ModelCitationTests {
    private static let models = Repository.current.paths.filter {
        $0.hasPrefix("Tests/Models/") && $0.hasSuffix(".pml")
    }

    /// A citation is a comment, or a line of one, that begins with two dashes: files, each with names in it, up to a colon.
    @Test func eachStepNamesAFileAndWhatIsInIt() throws {
        var count = 0
        for model in Self.models {
            for line in Repository.current.text(model).split(separator: "\n") {
                guard let dashes = line.firstMatch(of: #/^\s*(?:/\*| \*) -- /#) else { continue }
                let end = line.range(of: "*/")?.lowerBound ?? line.endIndex
                let citations = line[dashes.range.upperBound..<end].prefix { $0 != ":" }
                for citation in citations.split(separator: ";") {
                    count += try check(citation.trimmingCharacters(in: .whitespaces), in: model)
                }
            }
        }
        #expect(count > 45, "the citations were not found")
    }

    /// - Returns: how many names were looked up.
    private func check(_ citation: String, in model: String) throws -> Int {
        let parts = citation.replacing(" and ", with: ", ").split(separator: ",").map {
            $0.trimmingCharacters(in: .whitespaces)
        }
        let file = try #require(parts.first)
        let text = ["Sources/Metal/Hypervisor/", "Sources/Metal/"].map { Repository.current.text($0 + file) }
            .first { !$0.isEmpty }
        let found = try #require(text, "\(model): \(file) is not there")
        #expect(parts.count > 1, "\(model): \(file): nothing in it is named")
        let words = Set(found.split { !($0.isLetter || $0.isNumber || $0 == "_") })
        for name in parts.dropFirst() {
            let isThere = words.contains(Substring(name))
            #expect(isThere, "\(model): \(file) has no \(name)")
        }
        return parts.count - 1
    }

    @Test func eachMemberThatIsNamedExists() {
        let files = Repository.swiftFiles.filter { $0.path.hasPrefix("Sources/Metal/Hypervisor/") }
        var count = 0
        for model in Self.models {
            for match in Repository.current.text(model).matches(of: /\b([A-Z][A-Za-z]+)\.([a-z][A-Za-z]+)\b/)
            where match.2 != "swift" {
                count += 1
                let isThere = files.contains { $0.words.contains(match.1) && $0.words.contains(match.2) }
                #expect(isThere, "\(model): no file has \(match.0)")
            }
        }
        #expect(count > 10, "the variables' places were not found")
    }
}
