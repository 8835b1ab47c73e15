import Records
import Testing

@Suite struct SymbolTableTests {
    /// The format as its description has it, made anew here.
    private func table(_ entries: [(offset: UInt32, name: String)]) -> [UInt8] {
        var index: [UInt8] = [], names: [UInt8] = []
        for entry in entries {
            let at = UInt32(4 + entries.count * 8 + names.count)
            for word in [entry.offset, at] {
                withUnsafeBytes(of: word.littleEndian) { unsafe index.append(contentsOf: $0) }
            }
            names += Array(entry.name.utf8) + [0]
        }
        return withUnsafeBytes(of: UInt32(entries.count).littleEndian) { unsafe Array($0) } + index + names
    }

    private func find(_ offset: UInt32, in bytes: [UInt8], limit: Int = 80) -> (name: String, into: UInt32)? {
        unsafe bytes.withUnsafeBytes { buffer in
            guard let symbols = unsafe SymbolTable(buffer) else { return nil }
            var name: [UInt8] = []
            guard let into = symbols.find(offset, limit: limit, name: { name.append($0) }) else { return nil }
            return (String(decoding: name, as: UTF8.self), into)
        }
    }

    private let functions: [(offset: UInt32, name: String)] = [
        (0x1000, "entry"), (0x1040, "svm_run"), (0x1100, "Lifecycle.lead"), (0x9000, "last"),
    ]

    @Test(
        arguments: [
            (0x1000, "entry", 0), (0x103F, "entry", 0x3F), (0x1040, "svm_run", 0), (0x10FF, "svm_run", 0xBF),
            (0x1100, "Lifecycle.lead", 0), (0x8FFF, "Lifecycle.lead", 0x7EFF), (0x9000, "last", 0),
            (0xFFFF_FFFF, "last", 0xFFFF_6FFF),
        ] as [(UInt32, String, UInt32)])
    func theFunctionThatHoldsAnOffset(offset: UInt32, name: String, into: UInt32) {
        let found = find(offset, in: table(functions))
        #expect(found?.name == name)
        #expect(found?.into == into)
    }

    @Test func beforeTheFirstThereIsNone() {
        #expect(find(0xFFF, in: table(functions)) == nil)
        #expect(find(0, in: table(functions)) == nil)
    }

    @Test func namesAreCut() {
        #expect(find(0x1105, in: table(functions), limit: 4)?.name == "Life")
        #expect(find(0x1105, in: table(functions), limit: 0)?.name == "")
    }

    @Test func whatIsNoTableIsRefused() {
        #expect(find(0x1000, in: []) == nil)
        #expect(find(0x1000, in: [1, 0, 0]) == nil)
        #expect(find(0x1000, in: [0, 0, 0, 0]) == nil, "no functions")
        #expect(find(0x1000, in: [0xFF, 0xFF, 0xFF, 0xFF]) == nil, "more functions than bytes")
        #expect(find(0x1000, in: Array(table(functions)[..<35])) == nil, "the index is cut")
        #expect(find(0x1000, in: Array(table(functions)[..<36]))?.name == "", "the names are")
    }

    /// Whatever a damaged file holds, nothing outside of it is read: every byte of a table changed in turn.
    @Test func damageIsHarmless() {
        let whole = table(functions)
        var answers = 0
        for at in whole.indices {
            for value in [0x00, 0x7F, 0xFF] as [UInt8] {
                var damaged = whole
                damaged[at] = value
                for offset in [0, 0x1040, 0x1FFF, 0xFFFF_FFFF] as [UInt32] {
                    guard let found = find(offset, in: damaged) else { continue }
                    #expect(found.name.utf8.count <= 3 * 80)
                    answers += 1
                }
            }
        }
        #expect(answers > whole.count)
    }
}
