import Foundation
import Testing

/// Each command that a page shows is one of the tool's, with options that it has.
@Suite struct CommandLineTests {
    private static let sources = ["CLI", "bulkheadd"].flatMap { Repository.current.code(under: "Sources/Host/\($0)") }
        .map(Repository.current.text)
    /// Names of commands, and of those within others.
    private static let commands = Set(
        sources.flatMap { $0.matches(of: /commandName: "([a-z]+)"/).map { String($0.1) } }
            + Repository.current.text("Tools/help.txt").matches(of: /(?m)^  ([a-z]+(?:, [a-z]+)*)(?: |$)/).flatMap {
                $0.1.split(separator: ", ").map(String.init)
            })
    /// What options and flags are called, as ArgumentParser makes names of properties.
    private static let options = Set(
        sources.flatMap { text in
            text.matches(of: /var `?([a-z][A-Za-z]*)`?(?::| =)/).map { kebab(String($0.1)) }
                + text.matches(of: /customLong\("([a-z-]+)"/).map { String($0.1) }
        })
    /// What the script answers itself (`bulkhead`), and what every command has.
    private static let others: Set = ["setup", "help", "version"]

    private static func kebab(_ name: String) -> String {
        name.reduce(into: "") { $0 += $1.isUppercase ? "-" + $1.lowercased() : String($1) }
    }

    /// The words behind `bulkhead` of each line of a block, and of each span, that runs it. Lines that end with `\` go on.
    private static func commandLines(_ page: String) -> [[String]] {
        let text = Repository.current.text(page).replacing("\\\n", with: " ")
        let blocks = text.matches(of: /(?s)```[a-z]*\n(.*?)```/).flatMap { $0.1.split(separator: "\n") }
        let indented = text.split(separator: "\n").filter { $0.hasPrefix("    ") }
        let spans = text.matches(of: /`([^`\n]+)`/).map(\.1)
        return (blocks + indented + spans).compactMap { line in
            guard
                let match = line.wholeMatch(
                    of: /\s*(?:\$ |# )?(?:[A-Z_]+=\S+ )*(?:sudo )?(?:\.\/)?bulkhead ([a-z-].*)/)
            else { return nil }
            let words = String(match.1).split(separator: " ").map(String.init)
            return Array(words.prefix { $0 != "#" && $0 != ">" && $0 != "|" })
        }
    }

    @Test func commandsAndOptionsExist() {
        var count = 0
        for page in Repository.current.pages {
            for words in Self.commandLines(page) {
                guard let first = words.first, first.wholeMatch(of: /[a-z]+/) != nil else { continue }
                count += 1
                let line = words.joined(separator: " ")
                let isThere = Self.commands.contains(first) || Self.others.contains(first)
                #expect(isThere, "\(page): there is no command `bulkhead \(line)`")
                if ["manifest", "crash"].contains(first), let second = words.dropFirst().first,
                    second.wholeMatch(of: /[a-z]+/) != nil
                {
                    #expect(Self.commands.contains(second), "\(page): there is no command `bulkhead \(line)`")
                }
                for word in words {
                    guard let name = word.wholeMatch(of: /\[?--([a-z][a-z-]*)[\]=,.;:)]?.*/)?.1 else { continue }
                    let isKnown = Self.options.contains(String(name)) || Self.others.contains(String(name))
                    #expect(isKnown, "\(page): there is no --\(name) (bulkhead \(line))")
                }
            }
        }
        #expect(count > 60, "\(count)")
    }

    /// Files that a page runs or names in a block are there.
    @Test func pathsInBlocksExist() {
        var count = 0
        for page in Repository.current.pages {
            let blocks = Repository.current.text(page).matches(of: /(?s)```[a-z]*\n(.*?)```/).map(\.1)
            for match in blocks.flatMap({
                $0.matches(
                    of:
                        /(?m)(?:^|[ =])(?:\.\/)?((?:Tools|Guests|Examples|Documentation|Tests|Sources)\/[A-Za-z0-9_.\/-]+)/
                )
            }) {
                count += 1
                let isThere = Repository.current.exists(String(match.1))
                #expect(isThere, "\(page): there is no \(match.1)")
            }
        }
        #expect(count > 1, "\(count)")
    }
}
