import Testing

/// A name stands for one thing in the whole tree.
@Suite struct TypeNameTests {
    /// The types that a file declares outside of all others, whoever may use them.
    static func types(_ lines: [Substring]) -> [String] {
        lines.compactMap { line in
            let match = line.prefixMatch(
                of:
                    /(?:@\w+(?:\([^)]*\))? )*(?:(?:public|package|internal|fileprivate|private|final|indirect) )*(?:struct|class|enum|protocol|actor) ([A-Z]\w*)/
            )
            return match.map { String($0.1) }
        }
    }

    @Test func noTwoTypesHaveOneName() {
        var files: [String: [String]] = [:]
        for file in Repository.swiftFiles where file.wing != "Tests" {
            for type in Self.types(file.lines) { files[type, default: []].append(file.path) }
        }
        #expect(files.count > 300)
        for (type, places) in files.sorted(by: { $0.key < $1.key }) {
            #expect(places.count == 1, "\(type) is declared in \(places.joined(separator: " and "))")
        }
    }

    @Test func typesAreFound() {
        let text = """
            @safe public struct A {
                struct Inner {}
            }
            private final class B {}
            @frozen(x) indirect enum C: UInt8 {}
            public protocol D: ~Copyable {}
            extension E {}
            // struct F
            func structure() {}
            """
        #expect(Self.types(text.split(separator: "\n")) == ["A", "B", "C", "D"])
    }
}
