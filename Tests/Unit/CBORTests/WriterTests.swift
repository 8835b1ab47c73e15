import CBOR
import Testing

/// What `body` writes into a buffer of `capacity` bytes.
func written(capacity: Int = 256, _ body: (inout CBORWriter) -> Void) throws(CBORError) -> [UInt8] {
    var buffer = [UInt8](repeating: 0xEE, count: capacity)
    var writer = CBORWriter(buffer.mutableSpan)
    body(&writer)
    let count = try writer.finish()
    // The writer leaves it to its callers that it is one well-formed item.
    try skipAll(Array(buffer[..<count]))
    return Array(buffer[..<count])
}

extension CBORWriter {
    mutating func text(_ value: String) {
        let bytes = Array(value.utf8)
        text(count: bytes.count) { bytes[$0] }
    }
}

@Suite struct WriterTests {
    /// Examples of RFC 8949, appendix A.
    @Test(arguments: [
        (0, "00"), (10, "0a"), (23, "17"), (24, "1818"), (100, "1864"), (255, "18ff"), (256, "190100"),
        (1000, "1903e8"), (65535, "19ffff"), (65536, "1a00010000"), (1_000_000, "1a000f4240"),
        (0xFFFF_FFFF, "1affffffff"), (0x1_0000_0000, "1b0000000100000000"),
        (1_000_000_000_000, "1b000000e8d4a51000"), (UInt64.max, "1bffffffffffffffff"),
    ]) func unsigned(value: UInt64, expected: String) throws {
        #expect(try written { $0.uint(value) } == hex(expected))
    }

    @Test func simpleValuesAndStrings() throws {
        #expect(try written { $0.bool(false) } == hex("f4"))
        #expect(try written { $0.bool(true) } == hex("f5"))
        #expect(try written { $0.text("") } == hex("60"))
        #expect(try written { $0.text("IETF") } == hex("6449455446"))
        #expect(try written { $0.bytes([1, 2, 3, 4].span) } == hex("4401020304"))
    }

    @Test func containers() throws {
        let nested = try written {
            $0.array(3)
            $0.uint(1)
            $0.array(2)
            $0.uint(2)
            $0.uint(3)
            $0.map(2)
            $0.key(1)
            $0.uint(2)
            $0.key(3)
            $0.array(0)
        }
        #expect(nested == hex("83 01 820203 a2 0102 0380"))
        #expect(try written { $0.map(0) } == hex("a0"))
    }

    @Test func misuseSticks() {
        #expect(throws: CBORError.truncated) { try written { _ in } }
        #expect(throws: CBORError.truncated) { try written { $0.array(1) } }
        #expect(throws: CBORError.truncated) {
            try written {
                $0.map(1)
                $0.key(1)
            }
        }
        #expect(throws: CBORError.trailingBytes) {
            try written {
                $0.uint(1)
                $0.uint(2)
            }
        }
        #expect(throws: CBORError.unsortedKeys) {
            try written {
                $0.map(2)
                $0.key(2)
                $0.uint(0)
                $0.key(1)
                $0.uint(0)
            }
        }
        #expect(throws: CBORError.duplicateKey) {
            try written {
                $0.map(2)
                $0.key(2)
                $0.uint(0)
                $0.key(2)
                $0.uint(0)
            }
        }
        #expect(throws: CBORError.wrongType) {
            try written {
                $0.map(1)
                $0.text("key")
                $0.uint(0)
            }
        }
        #expect(throws: CBORError.invalidText) { try written { $0.text(count: 1) { _ in 0xFF } } }
        #expect(throws: CBORError.invalidText) { try written { $0.text("ü") } }
        #expect(throws: CBORError.tooDeep) {
            try written {
                for _ in 0...8 { $0.array(1) }; $0.uint(0)
            }
        }
        #expect(throws: CBORError.outOfRange) { try written { $0.array(-1) } }
    }

    /// Whatever the buffer's size, an overflow is named and the byte behind the buffer is untouched.
    @Test func everyTooSmallBuffer() throws {
        let body: (inout CBORWriter) -> Void = {
            $0.map(2)
            $0.key(1)
            $0.text("a longer text than twenty-three bytes")
            $0.key(2)
            $0.uint(.max)
        }
        let whole = try written(body)
        for capacity in 0..<whole.count {
            #expect(throws: CBORError.bufferFull) { try written(capacity: capacity, body) }
        }
        #expect(try written(capacity: whole.count, body) == whole)
        var buffer = [UInt8](repeating: 0xEE, count: whole.count)
        unsafe buffer.withUnsafeMutableBufferPointer { all in
            let part = unsafe UnsafeMutableBufferPointer(rebasing: all[..<10])
            var writer = unsafe CBORWriter(part.mutableSpan)
            body(&writer)
            #expect(writer.error == .bufferFull)
        }
        #expect(buffer[10...].allSatisfy { $0 == 0xEE })
    }
}
