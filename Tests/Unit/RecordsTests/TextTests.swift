import Testing
import Text

@Suite struct TextTests {
    private func written(_ write: (inout Text<200>) -> Void) -> String {
        var text = Text<200>()
        write(&text)
        return String(decoding: (0..<text.count).map { text.bytes[$0] }, as: UTF8.self)
    }

    @Test func numbersStandInTheirPlaces() {
        #expect(written { $0.write("no numbers") } == "no numbers")
        #expect(written { $0.write("core %d does not start", 12) } == "core 12 does not start")
        #expect(written { $0.write("%x, and %d", 0xAB, 10) } == "0xab, and 10")
        #expect(
            written { $0.write("vector %d, error %x, at image+%x (", 14, 0, .max) }
                == "vector 14, error 0x0, at image+0xffffffffffffffff (")
    }

    @Test func factsAreGivenOneByOne() {
        var found: [UInt8] = []
        let text = written {
            var at = 0
            while let fact = $0.write("a%p%q b", from: &at) { found.append(fact) }
        }
        #expect(text == "a b")
        #expect(found == [UInt8(ascii: "p"), UInt8(ascii: "q")])
    }
}
