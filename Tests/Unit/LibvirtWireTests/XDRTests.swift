import LibvirtWire
import Testing

@Suite struct XDRTests {
    @Test func valuesComeBack() throws {
        let bytes = XDRWriter.bytes { writer in
            writer.int32(-2)
            writer.string("abcde")
            writer.optionalString(nil)
            writer.optionalString("x")
            writer.array([1, 2]) { $0.uint32($1) }
            writer.opaque([9, 8])
        }
        #expect(bytes.count % 4 == 0)
        var reader = XDRReader(bytes)
        #expect(try reader.int32() == -2)
        #expect(try reader.string() == "abcde")
        #expect(try reader.optionalString() == nil)
        #expect(try reader.optionalString() == "x")
        #expect(try reader.array(max: 2) { (reader) throws(XDRError) in try reader.uint32() } == [1, 2])
        #expect(try Array(reader.opaque(max: 2)) == [9, 8])
        try reader.end()
    }

    /// RFC 4506, section 4.11: the length, the bytes, zeros up to a multiple of four.
    @Test func aStringsBytes() {
        #expect(XDRWriter.bytes { $0.string("sillyprog") } == [0, 0, 0, 9] + Array("sillyprog".utf8) + [0, 0, 0])
        // rpcgen writes each character of char[n] as an int.
        #expect(XDRWriter.bytes { $0.characters("ab", count: 3) } == [0, 0, 0, 97, 0, 0, 0, 98, 0, 0, 0, 0])
    }

    @Test func everyPrefixIsTruncated() {
        let bytes = XDRWriter.bytes { writer in
            writer.string("four")
            writer.string("fives")
        }
        for count in 0..<bytes.count {
            var reader = XDRReader(Array(bytes.prefix(count)))
            #expect(throws: XDRError.truncated) {
                _ = try reader.string()
                _ = try reader.string()
            }
        }
    }

    @Test func lengthsAreNotBelieved() {
        // 4 GiB - 1 announced, nothing there.
        var reader = XDRReader([0xFF, 0xFF, 0xFF, 0xFF])
        #expect(throws: XDRError.tooLong(limit: XDRReader.maxString)) { try reader.string() }
        reader = XDRReader([0, 0, 0x10, 0])
        #expect(throws: XDRError.truncated) { try reader.string() }
        reader = XDRReader([0, 0, 0x40, 0, 0, 0, 0, 1])
        #expect(throws: XDRError.truncated) {
            try reader.array(max: 16384) { (reader) throws(XDRError) in try reader.uint32() }
        }
        reader = XDRReader([0, 0, 0x40, 1])
        #expect(throws: XDRError.tooLong(limit: 16384)) {
            try reader.array(max: 16384) { (reader) throws(XDRError) in try reader.uint32() }
        }
    }

    @Test func whatIsNoTextIsRefused() {
        for content: [UInt8] in [[0xC3, 0x28, 0x41, 0x41], [0x41, 0, 0x41, 0x41]] {
            var reader = XDRReader([0, 0, 0, 4] + content)
            #expect(throws: XDRError.notText) { try reader.string() }
        }
    }

    /// A name, the number of the type, the value.
    @Test func typedParameters() {
        func bytes(_ value: TypedParameter.Value) -> [UInt8] {
            XDRWriter.bytes { TypedParameter("name", value).write(&$0) }
        }
        let name: [UInt8] = [0, 0, 0, 4] + Array("name".utf8)
        #expect(bytes(.int(-2)) == name + [0, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFE])
        #expect(bytes(.uint(3)) == name + [0, 0, 0, 2, 0, 0, 0, 3])
        #expect(bytes(.ullong(1 << 40 | 7)) == name + [0, 0, 0, 4, 0, 0, 1, 0, 0, 0, 0, 7])
    }

    /// A message that quotes a client is cut at 4096 bytes, between two characters.
    @Test func messagesAreBoundedInBytes() throws {
        for (text, sent) in [
            ("short", "short"), (String(repeating: "a", count: 5000), String(repeating: "a", count: 4096)),
            (String(repeating: "€", count: 5000), String(repeating: "€", count: 1365)),
            // One character of 10,001 code points.
            ("a" + String(repeating: "\u{301}", count: 10_000), "a" + String(repeating: "\u{301}", count: 2047)),
        ] {
            var reader = XDRReader(RemoteError(.rpc, text, domain: .rpc).encoded)
            #expect(try reader.int32() == 39)
            #expect(try reader.int32() == 7)
            #expect(try reader.optionalString()?.utf8.elementsEqual(sent.utf8) == true)
        }
    }

    /// No domain has a name of 4 MiB, and calls keep theirs.
    @Test func namesOfDomainsAreBounded() throws {
        func read(_ count: Int) throws(XDRError) -> WireDomain {
            let name = String(repeating: "n", count: count)
            let wire = WireDomain(name: name, uuid: .named("a"), id: 1)
            var reader = XDRReader(XDRWriter.bytes { wire.write(&$0) })
            return try WireDomain(&reader)
        }
        #expect(try read(1024).name.utf8.count == 1024)
        #expect(throws: XDRError.tooLong(limit: 1024)) { _ = try read(1025) }
    }

    @Test func uuids() throws {
        let uuid = WireUUID.named("machine", "partition")
        #expect(uuid == .named("machine", "partition") && uuid != .named("machinep", "artition"))
        #expect(WireUUID(text: uuid.description) == uuid)
        #expect(WireUUID(text: "8a6415d5-59a2-849f-aaa7-26224c7aec8") == nil)
        #expect(WireUUID(text: "+a6415d5-59a2-849f-aaa7-26224c7aec80") == nil)
        #expect(WireUUID.random() != WireUUID.random())
    }
}
