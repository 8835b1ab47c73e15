import LibvirtWire
import Testing

@Suite struct PacketTests {
    static let call = Packet(PacketHeader(procedure: 60, type: .call, serial: 3), [0, 0, 0, 10])

    /// As a stock virsh sends it: length, program, version, procedure, type, serial, status, feature.
    @Test func aCallsBytes() {
        let words: [UInt8] = [
            0, 0, 0, 32, 0x20, 0, 0x80, 0x86, 0, 0, 0, 1, 0, 0, 0, 60, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 10,
        ]
        #expect(Self.call.encoded == words)
    }

    @Test func packetsComeInAnyPieces() throws {
        let all = (0..<5).flatMap { _ in Self.call.encoded }
        for size in [1, 3, 7, 33, 160] {
            var reader = PacketReader(), found: [Packet] = []
            for start in stride(from: 0, to: all.count, by: size) {
                reader.append(all[start..<min(start + size, all.count)])
                while let packet = try reader.next() { found.append(packet) }
            }
            #expect(found == Array(repeating: Self.call, count: 5))
            #expect(reader.kept == 0)
        }
    }

    @Test func lengthsAreBounded() {
        for (word, error) in [
            ([0, 0, 0, 27], PacketError.tooShort(27)), ([0, 0, 0x10, 1], .tooLong(4097, limit: 4096)),
            ([0xFF, 0xFF, 0xFF, 0xFF], .tooLong(0xFFFF_FFFF, limit: 4096)),
        ] as [([UInt8], PacketError)] {
            var reader = PacketReader(limit: 4096)
            reader.append(word)
            #expect(throws: error) { try reader.next() }
        }
    }

    @Test func headersAreChecked() {
        for (offset, value) in [(19, UInt8(7)), (27, 3)] {
            var bytes = Self.call.encoded, reader = PacketReader()
            bytes[offset] = value
            reader.append(bytes)
            #expect(throws: PacketError.badHeader(.unknownCase(Int32(value)))) { try reader.next() }
        }
    }

    @Test func procedureNames() {
        #expect(ProcedureNames.name(1) == "connect_open")
        #expect(ProcedureNames.number("domain_open_console") == 201)
        #expect(ProcedureNames.number("connect_domain_event_callback_register_any") == 316)
        #expect(ProcedureNames.name(443) != "procedure 443" && ProcedureNames.name(444) == "procedure 444")
        #expect(ProcedureNames.name(0) == "procedure 0" && ProcedureNames.name(-1) == "procedure -1")
    }
}
