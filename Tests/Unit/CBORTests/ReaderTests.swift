import CBOR
import Testing
import UnitSupport

/// Reads all of `bytes` as one item of any kind.
func skipAll(_ bytes: [UInt8]) throws(CBORError) {
    var reader = CBORReader(bytes.span)
    try reader.skip()
    try reader.finish()
}

@Suite struct ReaderTests {
    @Test(arguments: [0, 23, 24, 255, 256, 65535, 65536, 0xFFFF_FFFF, 0x1_0000_0000, UInt64.max])
    func unsignedRoundTrip(value: UInt64) throws {
        let bytes = try written { $0.uint(value) }
        var reader = CBORReader(bytes.span)
        #expect(try reader.uint() == value)
        try reader.finish()
        if value > 0 {
            #expect(throws: CBORError.outOfRange) {
                var reader = CBORReader(bytes.span)
                _ = try reader.uint(max: value - 1)
            }
        }
    }

    /// None of our formats has a number below zero.
    @Test(arguments: ["20", "3863", "3b7fffffffffffffff"]) func negative(digits: String) throws {
        #expect(throws: CBORError.wrongType) {
            var reader = CBORReader(hex(digits).span)
            _ = try reader.uint()
        }
        try skipAll(hex(digits))
    }

    /// Where a refused item begins, for whoever tells of it.
    @Test func itemOffset() throws {
        var reader = CBORReader(hex("82 01 1817").span)
        _ = try reader.array(max: 2)
        #expect(reader.itemOffset == 0)
        _ = try reader.uint()
        #expect(reader.itemOffset == 1)
        #expect(throws: CBORError.notShortest) { try reader.uint() }
        #expect(reader.itemOffset == 2)
    }

    @Test func pullsWhatWasWritten() throws {
        let bytes = try written {
            $0.map(4)
            $0.key(1)
            $0.text("idle")
            $0.key(2)
            $0.array(2)
            $0.bool(true)
            $0.uint(7)
            $0.key(5)
            $0.bytes([9, 8].span)
            $0.key(300)
            $0.bool(false)
        }
        var reader = CBORReader(bytes.span)
        var map = try reader.map(max: 4)
        var keys: [UInt64] = []
        while let key = try map.next(&reader) {
            keys.append(key)
            switch key {
            case 1:
                let text = try reader.text(max: 4)
                #expect((0..<text.count).map { text[$0] } == Array("idle".utf8))
            case 2:
                #expect(try reader.array(max: 2) == 2)
                #expect(try reader.bool())
                #expect(try reader.uint() == 7)
            case 5:
                let data = try reader.bytes(max: 2)
                #expect((0..<data.count).map { data[$0] } == [9, 8])
            default: #expect(try reader.bool() == false)
            }
        }
        #expect(keys == [1, 2, 5, 300])
        try reader.finish()
    }

    @Test(arguments: [
        ("", CBORError.truncated), ("18", .truncated), ("1903", .truncated), ("1b00000000000000", .truncated),
        ("4401", .truncated), ("5bffffffffffffffff", .truncated), ("7b7fffffffffffffff", .truncated),
        ("9bffffffffffffffff", .truncated), ("bb8000000000000000", .truncated), ("a101", .truncated),
        ("8201", .truncated), ("5f4101ff", .indefiniteLength), ("7fff", .indefiniteLength),
        ("9fff", .indefiniteLength), ("bfff", .indefiniteLength), ("ff", .indefiniteLength),
        ("1817", .notShortest), ("1900ff", .notShortest), ("1a0000ffff", .notShortest),
        ("1b00000000ffffffff", .notShortest), ("3800", .notShortest), ("5800", .notShortest),
        ("980180", .notShortest), ("1c", .malformedHead), ("1f", .malformedHead), ("3f", .malformedHead),
        ("5e", .malformedHead), ("fc", .malformedHead), ("f818", .malformedHead), ("f81f", .malformedHead),
        ("f820", .simpleValue), ("f0", .simpleValue), ("f7", .simpleValue), ("f93c00", .float),
        ("fa47c35000", .float), ("fb3ff199999999999a", .float), ("c11a514b67b0", .tag), ("d818456449455446", .tag),
        ("61ff", .invalidText), ("62c3bc", .invalidText), ("0000", .trailingBytes), ("a201000100", .duplicateKey),
        ("a202000100", .unsortedKeys), ("a1616100", .wrongType), ("a12000", .wrongType),
    ]) func refusals(digits: String, error: CBORError) {
        #expect(throws: error) { try skipAll(hex(digits)) }
    }

    /// Text is printable ASCII, wherever the byte is, and nothing else.
    @Test func everyTextByte() throws {
        for byte in UInt8.min...UInt8.max {
            for text in [[byte], [0x61, byte, 0x62], [0x61, 0x62, byte]] {
                let bytes = [0x60 + UInt8(text.count)] + text
                let isText = (try? skipAll(bytes)) != nil
                #expect(isText == (0x20...0x7E ~= byte), "\(byte)")
                var reader = CBORReader(bytes.span)
                let isRead = (try? reader.text(max: 3).count) == text.count
                #expect(isRead == isText, "\(byte)")
            }
        }
    }

    @Test func depthIsBounded() throws {
        let deepest = [UInt8](repeating: 0x81, count: 8) + [0]
        try skipAll(deepest)
        #expect(throws: CBORError.tooDeep) { try skipAll([0x81] + deepest) }
        #expect(throws: CBORError.tooDeep) { try skipAll([UInt8](repeating: 0x81, count: 100_000)) }
    }

    @Test func boundsAreTheCallers() {
        #expect(throws: CBORError.tooLong) {
            var reader = CBORReader(hex("6449455446").span)
            _ = try reader.text(max: 3)
        }
        #expect(throws: CBORError.tooLong) {
            var reader = CBORReader(hex("83010203").span)
            _ = try reader.array(max: 2)
        }
        #expect(throws: CBORError.tooLong) {
            var reader = CBORReader(hex("a201000200").span)
            _ = try reader.map(max: 1)
        }
        #expect(throws: CBORError.wrongType) {
            var reader = CBORReader(hex("6449455446").span)
            _ = try reader.bytes(max: 30)
        }
    }

    /// Every input of up to two bytes, and three bytes at every head, is either one item or a named error.
    @Test func everyShortInput() {
        var accepted = 0
        for first in UInt8.min...UInt8.max {
            for second in UInt8.min...UInt8.max {
                if (try? skipAll([first, second])) != nil { accepted += 1 }
                _ = try? skipAll([first, second, 0])
            }
        }
        // 232 two-byte numbers of either sign, 256 one-byte strings, 95 one-character texts, and [x]: 24 + 24 small
        // numbers, empty string, text, array and map, false, true, null.
        #expect(accepted == 232 * 2 + 256 + 95 + 24 + 24 + 4 + 3)
    }
}
