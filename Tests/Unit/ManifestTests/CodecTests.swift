import CBOR
import Manifest
import ManifestRules
import Testing
import Text
import Trust

@Suite struct CodecTests {
    @Test func roundTrip() throws {
        let bytes = try encoded(sample())
        let copy = try decoded(bytes)
        #expect(copy.name == sample().name)
        #expect(copy.machineCores == 4)
        #expect(copy.machineMemory == 4 * gibibyte)
        #expect(copy.housekeeping == 0)
        #expect(copy.link == .serial)
        #expect(copy.partitionCount == 2)
        for i in 0..<2 {
            let (a, b) = (copy.partitions[i], sample().partitions[i])
            #expect(a.name == b.name)
            #expect(a.cores == b.cores)
            #expect(a.memorySize == b.memorySize)
            #expect(a.memoryBase == b.memoryBase)
            #expect(a.image == b.image)
            #expect(a.initrd == b.initrd)
            #expect(a.commandLine == b.commandLine)
            #expect(a.console == b.console && a.virtio == b.virtio)
            #expect(a.autostart == b.autostart)
            #expect(a.onPoweroff == b.onPoweroff)
            #expect(a.onReboot == b.onReboot)
            #expect(a.onCrash == b.onCrash)
            #expect(a.permits == b.permits)
        }
        #expect(try encoded(copy) == bytes)
    }

    @Test func grantsOfVirtioHaveAnEncodingOfTheirOwn() throws {
        let plain = try encoded(sample())
        let bytes = try encoded(sample { $0.partitions[0].virtio = .console })
        let again = try decoded(bytes)
        #expect(bytes.count == plain.count + 2 && again.partitions[0].virtio == .console)
        let at = try #require(bytes.indices.dropLast().first { bytes[$0] == 20 && bytes[$0 + 1] == 1 })
        for value: UInt8 in [0, 4, 0x17] {
            var changed = bytes
            changed[at + 1] = value
            let error = #expect(throws: ManifestError.self) { try decoded(changed) }
            #expect(error?.reason == .unknownValue && error?.bound == PartitionKey.virtio)
        }
    }

    @Test func digestsComeBack() throws {
        var manifest = sample()
        var digests = ImageDigests()
        for i in 0..<Digest384.bytes {
            (digests.kernel[i], digests.initrd[i], digests.sites[i]) = (UInt8(i), UInt8(200 - i), UInt8(100 + i))
        }
        manifest.partitions[1].digests = digests
        let bytes = try encoded(manifest), copy = try decoded(bytes)
        #expect(copy.partitions[0].digests == nil && copy.partitions[1].digests == digests)
        #expect(try encoded(copy) == bytes)
        // One digest alone, or one that is short, is none.
        let at = try #require((0..<bytes.count - 2).first { Array(bytes[$0..<$0 + 3]) == [0x83, 0x58, 0x30] })
        for (offset, value) in [(0, UInt8(0x82)), (2, 0x2F), (2, 0x31)] {
            var bad = bytes
            bad[at + offset] = value
            #expect(throws: ManifestError.self) { try decoded(bad) }
        }
    }

    /// The largest manifest there can be fits the bound, and comes back.
    @Test func largest() throws {
        var manifest = Manifest()
        manifest.name = "a234567890123456789012345678901"
        manifest.machineCores = 64
        manifest.machineMemory = 1 << 52
        manifest.housekeeping = 63
        var partition = PartitionSpec()
        partition.memorySize = 1 << 48
        while partition.image.append(UInt8(ascii: "a")) {}
        while partition.initrd.append(UInt8(ascii: "b")) {}
        while partition.commandLine.append(UInt8(ascii: "~")) {}
        partition.permits = .all
        for i in 0..<Manifest.maxPartitions {
            partition.name = "a23456789012345678901234567890"
            partition.name.append(UInt8(ascii: "0") + UInt8(i))
            partition.cores = CoreSet(rawValue: 0xFF << UInt64(8 * i))
            partition.memoryBase = UInt64(i + 1) << 48
            let fits = manifest.append(partition)
            #expect(fits)
        }
        let ninthFits = manifest.append(partition)
        #expect(!ninthFits)
        let bytes = try encoded(manifest)
        #expect(bytes.count <= Manifest.maxEncodedSize)
        #expect(try encoded(try decoded(bytes)) == bytes)
        var small = [UInt8](repeating: 0, count: bytes.count - 1)
        #expect(throws: CBORError.bufferFull) { try manifest.encode(into: small.mutableSpan) }
    }

    @Test func truncatedAtEachLength() throws {
        let bytes = try encoded(sample())
        for length in 0..<bytes.count {
            let error = #expect(throws: ManifestError.self) { try decoded(Array(bytes[..<length])) }
            #expect(error?.reason == .encoding)
        }
    }

    /// Each flipped bit gives a named refusal or another manifest that is valid and encodes to exactly those bytes.
    @Test func eachBitFlipped() throws {
        let bytes = try encoded(sample())
        var refused = 0
        for bit in 0..<bytes.count * 8 {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            do throws(ManifestError) {
                let manifest = try decoded(flipped)
                #expect(brokenInvariants(manifest) == [])
                let again = try? encoded(manifest)
                #expect(again == flipped)
            } catch {
                refused += 1
                #expect(!sentence(error, Manifest()).isEmpty)
            }
        }
        #expect(refused > bytes.count)
        #expect(refused < bytes.count * 8)
    }

    @Test func eachByteReplaced() throws {
        let bytes = try encoded(sample())
        for i in bytes.indices {
            for value: UInt8 in [0x00, 0x1B, 0x5F, 0x7F, 0x9B, 0xBB, 0xC0, 0xF9, 0xFB, 0xFF] {
                var changed = bytes
                changed[i] = value
                guard let manifest = try? decoded(changed) else { continue }
                #expect(brokenInvariants(manifest) == [])
                #expect(try encoded(manifest) == changed)
            }
        }
    }

    @Test func trailingBytesAndSize() throws {
        let bytes = try encoded(sample())
        let error = #expect(throws: ManifestError.self) { try decoded(bytes + [0]) }
        let words = "the manifest is damaged at byte \(bytes.count): bytes follow its end"
        #expect(error.map { sentence($0, Manifest()) } == words)
        let huge = [UInt8](repeating: 0, count: Manifest.maxEncodedSize + 1)
        let second = #expect(throws: ManifestError.self) { try decoded(huge) }
        let most = "the manifest has 36865 bytes; the most that is read is 36864"
        #expect(second.map { sentence($0, Manifest()) } == most)
    }

    /// Hand-made encodings that differ from a manifest's form.
    @Test(
        arguments: [
            ([0xA0], "the description of the machine lacks key 0"),
            ([0xA1, 0x00, 0x02], "the manifest's format version is 2; this program reads version 1"),
            ([0xA2, 0x00, 0x01, 0x02, 0x00], "the description of the machine lacks key 1"),
            ([0xA2, 0x00, 0x01, 0x00, 0x00], "the manifest is damaged at byte 3: a key occurs twice"),
            ([0x80], "the manifest is damaged at byte 0: an item of another kind is expected"),
            ([0xBF], "the manifest is damaged at byte 0: a length is left open"),
            ([0xA1, 0x00, 0x18, 0x01], "the manifest is damaged at byte 2: a number is longer than it needs to be"),
        ] as [([UInt8], String)]) func malformed(bytes: [UInt8], words: String)
    {
        let error = #expect(throws: ManifestError.self) { try decoded(bytes) }
        #expect(error.map { sentence($0, Manifest()) } == words)
    }

    @Test func unknownKeysAndValues() throws {
        let bytes = try encoded(sample())
        // The outer map gets an eighth key at its end.
        var extra = bytes + [0x07, 0x00]
        extra[0] += 1
        var error = #expect(throws: ManifestError.self) { try decoded(extra) }
        #expect(error.map { sentence($0, Manifest()) } == "the description of the machine has the unknown key 7")
        // The last bytes of the encoding: on-crash (key 11, value) and permits (key 12, value in three bytes).
        var crash = bytes
        let value = bytes.count - 4
        #expect(Array(bytes[(value - 1)...]) == [0x0B, 0x00, 0x0C, 0x18, 0x81])
        crash[value] = 0x09
        error = #expect(throws: ManifestError.self) { try decoded(crash) }
        #expect(error.map { sentence($0, sample()) } == "partition \"workload\" has the unknown value 9 in key 11")
    }

    @Test func tooManyPartitions() {
        var buffer = [UInt8](repeating: 0, count: 64)
        var writer = CBORWriter(buffer.mutableSpan)
        writer.map(7)
        for key: UInt64 in 0...5 {
            writer.key(key)
            if key == 1 { writer.text(count: 1) { _ in UInt8(ascii: "m") } } else { writer.uint(1) }
        }
        writer.key(6)
        writer.array(9)
        for _ in 0..<9 { writer.uint(0) }
        let count = try? writer.finish()
        let bytes = Array(buffer[..<(count ?? 0)])
        let error = #expect(throws: ManifestError.self) { try decoded(bytes) }
        #expect(error.map { sentence($0, Manifest()) } == "there are 9 partitions; the most is 8")
    }
}
