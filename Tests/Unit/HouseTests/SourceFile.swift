import Foundation

extension Repository {
    static let current = Repository()

    /// The Swift files of Sources and Tests.
    static let swiftFiles: [SourceFile] = ["Sources", "Tests"].flatMap(current.code(under:))
        .filter { $0.hasSuffix(".swift") }.map { SourceFile($0, text: current.text($0)) }

    /// The names directly in a folder that have something in them.
    func folders(in folder: String) -> [String] {
        let inside = paths.filter { $0.hasPrefix(folder + "/") }.map { $0.dropFirst(folder.count + 1) }
        return Set(inside.filter { $0.contains("/") }.map { String($0.prefix { $0 != "/" }) }).sorted()
    }
}

/// One Swift file: which module it is part of, what it imports, the words in it.
struct SourceFile: CustomStringConvertible {
    struct Import: Equatable {
        var module: String
        var isTestable: Bool
    }

    /// From the top of the checkout.
    let path: String
    let imports: [Import]
    /// All identifiers and keywords outside comments and imports.
    let words: Set<Substring>
    let lines: [Substring]

    var description: String { path }
    /// `Shared`, `Metal`, `Host` or `Tests`.
    var wing: String { part(path.hasPrefix("Sources/") ? 1 : 0) }
    /// The target.
    var module: String {
        switch part(1) {
        case "Machines" where wing == "Tests": "MachineTests"
        case "Unit" where part(2) == "Support": "UnitSupport"
        case "Fuzz": "Fuzz"
        default: part(2)
        }
    }
    private func part(_ index: Int) -> String {
        let parts = path.split(separator: "/")
        return index < parts.count ? String(parts[index]) : ""
    }

    init(_ path: String, text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        var imports: [Import] = [], words: Set<Substring> = []
        for line in lines {
            let code = line.range(of: "//").map { line[..<$0.lowerBound] } ?? line
            let found = code.split { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == "$") }
            if let index = found.firstIndex(of: "import"), index < 2, index + 1 < found.count,
                code.drop(while: \.isWhitespace).first.map({ $0 == "@" || $0 == "i" || $0 == "p" }) == true
            {
                imports.append(Import(module: String(found[index + 1]), isTestable: found.first == "testable"))
            } else {
                words.formUnion(found)
            }
        }
        (self.imports, self.words) = (imports, words)
    }
}
