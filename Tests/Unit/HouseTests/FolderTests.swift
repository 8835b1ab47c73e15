import Foundation
import Testing

/// Where everything lies, and how large it is.
@Suite struct FolderTests {
    /// Lines of the longest file. A longer one holds more than one feature.
    static let longest = 400
    /// Files that may be longer, each with its reason.
    static let exceptions: [String: String] = [:]

    @Test func thereAreThreeWingsAndFiveKindsOfTests() {
        #expect(Repository.current.folders(in: "Sources") == ["Host", "Metal", "Shared"])
        #expect(Repository.current.folders(in: "Tests") == ["Fuzz", "Guests", "Machines", "Models", "Unit"])
    }

    @Test func eachFolderOfAWingIsATargetOfItsName() {
        let targets = PackageTargets.current.dependencies
        for wing in Repository.current.folders(in: "Sources") {
            for folder in Repository.current.folders(in: "Sources/\(wing)") {
                #expect(targets[folder] != nil, "Sources/\(wing)/\(folder) is no target")
            }
        }
        // Those have no tests of their own, but what tests need.
        let others = ["Support", "Firmware"]
        for folder in Repository.current.folders(in: "Tests/Unit") where !others.contains(folder) {
            #expect(targets[folder] != nil, "Tests/Unit/\(folder) is no target")
            let module = folder.dropLast("Tests".count)
            #expect(folder.hasSuffix("Tests") && (targets["\(module)"] != nil || module == "House"), "\(folder)")
        }
    }

    /// "Why each folder exists" in Documentation/architecture.md: a paragraph for each module, which names each of its
    /// folders in italics.
    @Test func eachFolderIsDescribed() throws {
        let page = Repository.current.text("Documentation/architecture.md").components(separatedBy: "\n## ")
        let section = try #require(page.first { $0.hasPrefix("Why each folder exists\n") })
        let paragraphs = section.components(separatedBy: "\n- **`")
        for wing in Repository.current.folders(in: "Sources") {
            for module in Repository.current.folders(in: "Sources/\(wing)") {
                let paragraph = paragraphs.first { $0.hasPrefix("\(wing)/\(module)`**") } ?? ""
                #expect(!paragraph.isEmpty, "\(wing)/\(module) is not described")
                for folder in Self.folders(below: "Sources/\(wing)/\(module)/") {
                    #expect(paragraph.contains("*\(folder)*"), "\(wing)/\(module)/\(folder) is not described")
                }
            }
        }
    }

    /// All folders below one that have files of their own, relative to it; but for `include`, where C's headers lie.
    private static func folders(below folder: String) -> [String] {
        let files = Repository.current.code(under: String(folder.dropLast())).map { $0.dropFirst(folder.count) }
        let inside = files.map { $0.split(separator: "/").dropLast().joined(separator: "/") }
        return Set(inside.filter { !$0.isEmpty && !$0.hasSuffix("include") }).sorted()
    }

    @Test func noFileIsTooLong() {
        let sources = ["Sources", "Tests", "Tools"].flatMap(Repository.current.code(under:))
        #expect(sources.count > 400)
        for path in sources {
            let lines = Repository.current.text(path).count { $0 == "\n" }
            #expect(lines <= Self.longest || Self.exceptions[path] != nil, "\(path) has \(lines) lines")
        }
        for path in Self.exceptions.keys { #expect(sources.contains(path), "\(path) needs no exception") }
    }
}
