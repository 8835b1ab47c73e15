import Foundation
import Testing

/// Where everything lies, and how large it is.
@Suite struct FolderTests {
    /// Lines of the longest file. A longer one holds more than one feature.
    static let longest = 400
    /// Files that may be longer, each with its reason.
    static let exceptions: [String: String] = [:]

    @Test func thereAreThreeWingsAndFourKindsOfTests() {
        #expect(Repository.current.folders(in: "Sources") == ["Host", "Metal", "Shared"])
        #expect(Repository.current.folders(in: "Tests") == ["Fuzz", "Guests", "Machines", "Unit"])
    }

    @Test func eachFolderOfAWingIsATargetOfItsName() {
        let targets = PackageTargets.current.dependencies
        for wing in Repository.current.folders(in: "Sources") {
            for folder in Repository.current.folders(in: "Sources/\(wing)") {
                #expect(targets[folder] != nil, "Sources/\(wing)/\(folder) is no target")
            }
        }
        for folder in Repository.current.folders(in: "Tests/Unit") where folder != "Support" {
            #expect(targets[folder] != nil, "Tests/Unit/\(folder) is no target")
            let module = folder.dropLast("Tests".count)
            #expect(folder.hasSuffix("Tests") && (targets["\(module)"] != nil || module == "House"), "\(folder)")
        }
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
