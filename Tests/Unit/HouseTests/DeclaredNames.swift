import Foundation

/// The identifiers that a module declares: by text, so that operators and initializers are not among them.
struct DeclaredNames {
    /// Those that another module can name.
    private(set) var visible: Set<Substring> = []
    /// All.
    private(set) var all: Set<Substring> = []

    private static let declarations: Set<Substring> = [
        "struct", "class", "enum", "protocol", "actor", "func", "var", "let", "typealias", "case", "associatedtype",
    ]

    mutating func add(_ file: SourceFile) {
        // What is indented inside a declaration that is visible may be too, without a word of its own: cases, requirements,
        // members of a public extension.
        var inherits: Int?
        for line in file.lines {
            let code = line.range(of: "//").map { line[..<$0.lowerBound] } ?? line
            let indent = code.prefix { $0 == " " }.count
            if let outer = inherits, indent <= outer, !code.allSatisfy(\.isWhitespace) { inherits = nil }
            let words = code.split { !($0.isLetter || $0.isNumber || $0 == "_") }
            let isVisible = words.contains("public") || words.contains("package")
            if isVisible, words.contains(where: { ["enum", "protocol", "extension"].contains($0) }) {
                inherits = indent
            }
            for name in Self.names(words) {
                all.insert(name)
                if isVisible || inherits != nil { visible.insert(name) }
            }
        }
    }

    private static func names(_ words: [Substring]) -> [Substring] {
        guard let index = words.firstIndex(where: declarations.contains), index + 1 < words.count else { return [] }
        // `case a, b` declares both.
        return words[index] == "case" ? Array(words[(index + 1)...]) : [words[index + 1]]
    }

    /// The functions, types and constants of a module's C headers.
    mutating func add(header text: String) {
        let words = text.split { !($0.isLetter || $0.isNumber || $0 == "_") }
        visible.formUnion(words)
        all.formUnion(words)
    }

    /// By module, of all modules that the checkout's files are part of.
    static let modules: [String: DeclaredNames] = {
        var modules = Dictionary(grouping: Repository.swiftFiles, by: \.module).mapValues { files in
            files.reduce(into: DeclaredNames()) { $0.add($1) }
        }
        var silicon = DeclaredNames()
        for path in Repository.current.code(under: "Sources/Metal/Silicon/include") {
            silicon.add(header: Repository.current.text(path))
        }
        modules["Silicon"] = silicon
        return modules
    }()
}
