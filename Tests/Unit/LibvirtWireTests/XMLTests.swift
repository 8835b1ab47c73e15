import LibvirtWire
import Testing

@Suite struct XMLTests {
    private func reason(_ text: String, _ change: (inout XMLLimits) -> Void = { _ in }) -> String? {
        var limits = XMLLimits()
        change(&limits)
        do throws(XMLFault) {
            _ = try XMLElement(Array(text.utf8), limits: limits)
            return nil
        } catch { return error.reason }
    }

    @Test func elementsHaveTheirPlaces() throws {
        let text =
            "<?xml version='1.0'?>\n<!-- c -->\n<a x='1' y=\"&lt;&#65;\">\n  <b/>t<![CDATA[<]]><b z=''>u</b>\n</a>\n"
        let root = try XMLElement(Array(text.utf8))
        #expect(root.name == "a" && root["x"] == "1" && root["y"] == "<A" && root["z"] == nil)
        #expect(root.children.map(\.name) == ["b", "b"] && root.trimmed == "t<")
        let bytes = Array(text.utf8)
        func part(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
        #expect(part(root.children[0].range) == "<b/>" && part(root.children[0].tag) == "<b/>")
        #expect(part(root.children[1].range) == "<b z=''>u</b>" && part(root.children[1].tag) == "<b z=''>")
        #expect(part(root.attributes[1].range) == "y=\"&lt;&#65;\"")
        #expect(root.range.upperBound == bytes.count - 1)
    }

    @Test func whatIsNoXMLIsRefused() {
        for text in [
            "", "  ", "a", "<a>", "</a>", "<a></b>", "<a><b></a></b>", "<a/><b/>", "<a/>x", "<a b/>", "<a b=c/>",
            "<a b='1' b='2'/>", "<a b='1'c='2'/>", "<a b='<'/>", "<a b='1/>", "<a>&b;</a>", "<a>&amp</a>",
            "<a>&#0;</a>", "<a>&#xFFFE;</a>", "<a>&#xD800;</a>", "<a>&#+65;</a>", "<a>]]></a>", "<a>\u{1}</a>",
            "<a><!-- -- --></a>", "<a><![CDATA[</a>", "<![CDATA[]]><a/>", "<1/>", "< a/>", "<a><?b</a>", "<!-- <a/>",
        ] {
            #expect(reason(text) != nil, "\(text)")
        }
    }

    /// Entities cannot be declared: what grows or reads files cannot be said.
    @Test func thereIsNoDocumentType() {
        let bomb = "<!DOCTYPE a [<!ENTITY b 'cc'><!ENTITY d '&b;&b;'>]><a>&d;</a>"
        #expect(reason(bomb)?.contains("document type") == true)
        #expect(reason("<a><!ELEMENT b></a>")?.contains("document type") == true)
        #expect(reason("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>")?.contains("document type") == true)
    }

    @Test func boundsHold() {
        let deep = String(repeating: "<a>", count: 65) + String(repeating: "</a>", count: 65)
        #expect(reason(deep) == "elements deeper than 64")
        let wide = "<a>" + String(repeating: "<b/>", count: 100) + "</a>"
        #expect(reason(wide) == nil)
        #expect(reason(wide) { $0.elements = 100 } == "more than 100 elements")
        #expect(reason(wide) { $0.size = 100 } == "more than 100 bytes")
        let many = "<a " + (0..<65).map { "b\($0)='' " }.joined() + "/>"
        #expect(reason(many) == "<a> has more than 64 attributes" || reason(many) == "<a has more than 64 attributes")
        #expect(reason("<\(String(repeating: "n", count: 257))/>") == "a name has more than 256 bytes")
    }

    @Test func faultsHaveTheirLine() {
        #expect(throws: XMLFault(line: 3, reason: "</c> closes <b>")) { try XMLElement(Array("<a>\n<b>\n</c>".utf8)) }
    }

    @Test func bytesThatAreNoText() {
        #expect(throws: XMLFault(line: 1, reason: "not UTF-8")) { try XMLElement([0x3C, 0xC3, 0x28]) }
    }
}
