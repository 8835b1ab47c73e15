import Foundation
import Testing

/// Each path and each link that a document or a comment names leads somewhere.
@Suite struct DocumentPathTests {
    let repository = Repository()

    /// Endings by which a word in backticks is known to be a file of ours.
    static let endings = [".swift", ".S", ".ld", ".md", ".yaml"]

    /// Names of files that examples and tools make, and that are not in the tree.
    static let made: Set = [
        "my-machine.yaml", "machine.yaml", "line.yaml", "FILE.yaml",
    ]

    @Test func linksLeadToFilesAndHeadings() {
        for page in repository.pages {
            for match in repository.text(page).matches(of: /\]\(([^)\s]+)\)/) {
                let parts = match.1.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(
                    String.init)
                if parts[0].contains("://") { continue }
                let target = parts[0].isEmpty ? page : Self.resolve(parts[0], from: page)
                #expect(repository.exists(target), "\(page): the link \(match.1) leads nowhere")
                if parts.count == 2 {
                    let isThere = anchors(of: target).contains(parts[1])
                    #expect(isThere, "\(page): \(target) has no heading #\(parts[1])")
                }
            }
        }
    }

    @Test func pathsInBackticksExist() {
        let names = Set(repository.paths.compactMap { $0.split(separator: "/").last.map(String.init) })
        let suffixes = Set(repository.paths.flatMap(Self.suffixes))
        for page in repository.pages {
            for word in Self.quoted(repository.text(page)) where !Self.made.contains(word) {
                if let first = word.split(separator: "/").first, word.contains("/"), Self.isOurs(word, first) {
                    let path = word.hasSuffix("/") ? String(word.dropLast()) : word
                    let isThere = suffixes.contains(path) || repository.exists(Self.resolve(path, from: page))
                    #expect(isThere, "\(page): there is no \(word)")
                } else if Self.endings.contains(where: { word.hasSuffix($0) }), !word.contains("/") {
                    let isThere = names.contains(word)
                    #expect(isThere, "\(page): there is no file \(word)")
                }
            }
        }
    }

    /// `MachineTests/NAME` is a suite.
    @Test func suitesInBackticksExist() {
        let code = repository.code(under: "Tests/Machines").map(repository.text).joined()
        for page in repository.pages {
            for match in repository.text(page).matches(of: /MachineTests\/([A-Za-z]+)/) {
                let isThere = code.contains("struct \(match.1)")
                #expect(isThere, "\(page): there is no suite \(match.0)")
            }
        }
    }

    @Test func pathsInCommentsExist() {
        let code = repository.paths.filter {
            $0.hasPrefix("Sources/") || $0.hasPrefix("Tests/") || $0.hasPrefix("Tools/")
        }
        let others = repository.paths.filter { $0.hasPrefix("Guests/") || $0.hasPrefix("Examples/") }
        for file in code + others + ["Package.swift", "bulkhead"] where !file.hasSuffix(".md") {
            let text = repository.text(file)
            for match in text.matches(of: /(?:decisions|Documentation|Tools)\/[A-Za-z\/-]+\.(?:md|yaml)/) {
                let path = match.0.hasPrefix("decisions/") ? "Documentation/\(match.0)" : String(match.0)
                #expect(repository.exists(path), "\(file): there is no \(match.0)")
            }
        }
    }

    /// A path that starts at the root or at a module, such as `Tools/tcb` or `Platform/PCI`; nothing else has a capital letter.
    private static func isOurs(_ word: String, _ first: Substring) -> Bool {
        guard word.wholeMatch(of: /[A-Za-z0-9_+.-]+(\/[A-Za-z0-9_+.-]+)*\/?/) != nil else { return false }
        // Folders of the boot volume, and suites of tests.
        if ["EFI", "BULKHEAD", "MachineTests"].contains(first) { return false }
        return Repository.folders.contains(String(first)) || first.first?.isUppercase == true || first == "decisions"
    }

    /// Words in backticks, on one line each; of a command the first word.
    private static func quoted(_ text: String) -> [String] {
        text.matches(of: /`([^`\n]+)`/).map { match in String(match.1.split(separator: " ").first ?? "") }
    }

    private static func suffixes(_ path: String) -> [String] {
        let parts = path.split(separator: "/")
        return parts.indices.map { parts[$0...].joined(separator: "/") }
    }

    private static func resolve(_ path: String, from page: String) -> String {
        URL(filePath: "/\(page)").deletingLastPathComponent().appending(path: path).standardized.path
            .trimmingCharacters(in: ["/"])
    }

    /// As GitHub makes them of headings.
    private func anchors(of page: String) -> [String] {
        repository.text(page).split(separator: "\n").filter { $0.hasPrefix("#") }.map { line in
            String(
                line.drop { $0 == "#" }.dropFirst().lowercased().filter {
                    $0.isLetter || $0.isNumber || " -_".contains($0)
                }
            )
            .replacingOccurrences(of: " ", with: "-")
        }
    }
}
