import LibvirtWire
import Testing
import UnitSupport

/// The fuzzer's corpus (`Tests/Fuzz/run libvirt`), replayed: nothing in it may stop the process, and each kind is there.
@Suite struct CorpusTests {
    @Test func everyInputIsSurvived() throws {
        var taken = 0, refused = 0, packets = 0, cutOff = 0
        for input in try fuzzCorpus("libvirt") {
            guard let kind = input.first else { continue }
            let content = Array(input.dropFirst())
            if kind == 0 {
                if (try? XMLElement(content)) != nil { taken += 1 } else { refused += 1 }
                continue
            }
            var reader = PacketReader(limit: 8192)
            reader.append(content)
            do {
                while let packet = try reader.next() {
                    packets += 1
                    var arguments = XDRReader(packet.payload)
                    _ = try? WireDomain(&arguments)
                }
            } catch { cutOff += 1 }
        }
        #expect(taken > 0 && refused > 0 && packets > 10 && cutOff > 0)
    }
}
