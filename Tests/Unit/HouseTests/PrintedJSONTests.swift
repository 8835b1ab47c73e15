import Testing

/// JSON that a command prints may have any text in it, and a terminal may show it: it is made where that is seen to.
@Suite struct PrintedJSONTests {
    @Test func allJSONIsHarmless() {
        let files = Repository.swiftFiles.filter { $0.wing == "Host" && $0.words.contains("JSONEncoder") }
        #expect(files.count > 3)
        for file in files {
            for line in file.lines where line.contains(/ncoder(\(\))?\.encode\(/) {
                #expect(line.contains("printableJSON("), "\(file): \(line)")
            }
        }
    }
}
