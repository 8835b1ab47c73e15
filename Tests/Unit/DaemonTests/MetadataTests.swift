@testable import Daemon
import LibvirtWire
import Testing

@Suite struct MetadataTests {
    static let plain =
        "<domain type='bulkhead'><name>a</name><uuid>8a6415d5-59a2-849f-aaa7-26224c7aec80</uuid><vcpu>1</vcpu></domain>"

    private func define(_ xml: String) throws(RemoteError) -> DomainDefinition {
        try DomainDefinition(xml) { _ in nil }
    }

    @Test func titlesComeAndGo() throws {
        let plain = try define(Self.plain)
        #expect(try plain.metadata(1, nil) == nil)
        let titled = try plain.settingMetadata(1, "a < b", key: nil, uri: nil)
        #expect(try titled.metadata(1, nil) == "a < b")
        #expect(titled.text.contains("<title>a &lt; b</title>"))
        let other = try titled.settingMetadata(1, "c", key: nil, uri: nil)
        #expect(try other.metadata(1, nil) == "c")
        #expect(
            try other.settingMetadata(1, nil, key: nil, uri: nil).text
                == Self.plain.replacing("</uuid>", with: "</uuid>\n  "))
        #expect(throws: RemoteError.self) { try plain.metadata(9, nil) }
    }

    @Test func elementsHaveTheirNameSpace() throws {
        let first = try define(Self.plain).settingMetadata(2, "<a b='1'>x</a >", key: "k", uri: "http://one")
        #expect(try first.metadata(2, "http://one") == "<k:a xmlns:k=\"http://one\" b='1'>x</k:a >")
        #expect(try first.metadata(2, "http://two") == nil)
        let both = try first.settingMetadata(2, "<c/>", key: "l", uri: "http://two")
        #expect(try both.metadata(2, "http://two") == "<l:c xmlns:l=\"http://two\"/>")
        #expect(try both.metadata(2, "http://one") == first.metadata(2, "http://one"))
        let one = try both.settingMetadata(2, nil, key: "l", uri: "http://two")
        #expect(one.text == first.text)
        #expect(throws: RemoteError.self) { try one.settingMetadata(2, "<a><b></a>", key: "k", uri: "u") }
        // What it would end is not ended by it.
        #expect(throws: RemoteError.self) { try one.settingMetadata(2, "<a/></metadata><disk/>", key: "k", uri: "u") }
    }
}
