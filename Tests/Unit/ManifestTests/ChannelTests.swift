import CBOR
import Foundation
import Manifest
import ManifestFile
import ManifestRules
import Testing
import Text
import WireSeal

/// Channels in manifests: read, written, refused.
@Suite struct ChannelTests {
    private func file(_ channels: String) -> String {
        """
        name: machine
        housekeeping: 0
        partitions:
          - {name: router, cores: [1], memory: 64M, image: vmlinux}
          - {name: worker, cores: [2], memory: 64M, image: vmlinux}
        \(channels)

        """
    }

    private func parse(_ channels: String) throws -> Manifest {
        try parseManifest(file(channels), file: "m.yaml", images: .unchecked)
    }

    private func problem(_ channels: String) -> String {
        do throws(ManifestRefused) {
            _ = try parseManifest(file(channels), file: "m.yaml", images: .unchecked)
            return ""
        } catch { return error.description }
    }

    @Test func theyAreReadAndComeBack() throws {
        let manifest = try parse(
            """
            channels:
              - name: lan
                ends: [router, {partition: worker, mac: '02:00:5E:10:00:01', kick: never}]
                mtu: 1280
                kick: 500/s
                rate: 10M/s
              - {name: other, kind: wire, ends: [worker, {partition: router, kick: always, rate: 4095M/s}]}
            """)
        #expect(manifest.channelCount == 2)
        #expect(manifest.partitions[0].wireCount == 2 && manifest.partitions[2].wireCount == 0)
        let lan = manifest.channels[0], other = manifest.channels[1]
        #expect(lan.mtu == 1280 && lan.ends[0].partition == 0 && lan.ends[1].partition == 1)
        #expect(lan.ends[0].kick == 500 && lan.ends[0].rate == 10 << 20)
        #expect(lan.ends[1].kick == 0 && lan.ends[1].mac == 0x0100_105E_0002 && lan.ends[1].rate == 10 << 20)
        #expect(other.mtu == 1500 && other.ends[1].kick == ChannelSpec.maxKicks && other.ends[0].kick == 20_000)
        // Addresses of nobody's make, of one card, and each another one.
        let macs = [lan.ends[0].mac, other.ends[0].mac, other.ends[1].mac]
        #expect(macs.allSatisfy { $0 & 3 == 2 && $0 >> 48 == 0 } && Set(macs).count == 3)
        #expect(manifest.partitions[0].hasBus && manifest.partitions[1].hasBus)
        let bytes = try encoded(manifest), copy = try decoded(bytes)
        #expect(copy.channelCount == 2 && copy.partitions[0].hasBus)
        #expect(try encoded(copy) == bytes)
        let again = try parseManifest(manifestYAML(copy), file: "m.yaml", images: .unchecked)
        #expect(try encoded(again) == bytes, "\(manifestYAML(copy))")
        let json = try #require(ManifestJSON(copy).channels)
        #expect(json[0].ends[1].mac == "02:00:5e:10:00:01" && json[0].ends[1].kick == "never" && json[0].mtu == 1280)
        #expect(ManifestPicture(copy).text.contains("lan: wire, MTU 1280, router ("))
        #expect(try !parse("").partitions[0].hasBus && ManifestJSON(parse("")).channels == nil)
    }

    @Test func sharedMemoryIsReadAndComesBack() throws {
        let manifest = try parse("channels: [{name: state, kind: memory, ends: [worker, router]}]")
        #expect(manifest.channels[0].isMemory && manifest.channels[0].ends[0].partition == 1)
        #expect(manifest.partitions[0].hasBus && manifest.partitions[1].wireCount == 1)
        let copy = try decoded(encoded(manifest))
        #expect(copy.channels[0].isMemory)
        let again = try parseManifest(manifestYAML(copy), file: "m.yaml", images: .unchecked)
        #expect(try encoded(again) == encoded(manifest), "\(manifestYAML(copy))")
        let json = try #require(ManifestJSON(copy).channels)
        #expect(json[0].kind == "memory" && json[0].mtu == nil && json[0].ends[0].mac == nil)
        #expect(json[0].ends[0].kick == nil && json[0].ends.map(\.partition) == ["worker", "router"])
        #expect(ManifestPicture(copy).text.contains("state: shared memory, 256K each way, worker — router"))
    }

    @Test func aPortIsReadAndComesBack() throws {
        let manifest = try parse(
            "channels: [{name: telemetry, kind: port, kick: 500/s, ends: [worker, {partition: router, kick: always}]}]")
        let spec = manifest.channels[0]
        #expect(spec.isPort && !spec.isMemory && spec.ends[0].partition == 1 && spec.ends[1].partition == 0)
        #expect(spec.ends[0].kick == 500 && spec.ends[1].kick == ChannelSpec.maxKicks)
        #expect(manifest.partitions[0].hasBus && manifest.partitions[1].wireCount == 1)
        let copy = try decoded(encoded(manifest))
        #expect(copy.channels[0].isPort)
        let again = try parseManifest(manifestYAML(copy), file: "m.yaml", images: .unchecked)
        #expect(try encoded(again) == encoded(manifest), "\(manifestYAML(copy))")
        let json = try #require(ManifestJSON(copy).channels)
        #expect(json[0].kind == "port" && json[0].mtu == nil && json[0].ends[0].mac == nil)
        #expect(json[0].ends.map(\.kick) == ["500/s", "always"])
        let line = "telemetry: port, worker (interrupted: 500/s) — router (interrupted: always)"
        #expect(ManifestPicture(copy).text.contains(line))
        #expect(try manifestSchema().contains("\"port\""))
    }

    @Test(arguments: [
        ("channels: lan", "m.yaml:6: \"channels\" must be a list"),
        ("channels: [{name: lan, ends: [router]}]", "m.yaml:6: a channel has two ends"),
        ("channels: [{name: lan, ends: [router, worker, router]}]", "m.yaml:6: a channel has two ends"),
        ("channels: [{ends: [router, worker]}]", "m.yaml:6: a channel has no \"name\""),
        ("channels: [{name: lan}]", "m.yaml:6: a channel has no \"ends\""),
        ("channels: [{name: lan, ends: [router, wroker]}]", "\"wroker\" is not a partition; did you mean worker?"),
        ("channels: [{name: lan, ends: [router, router]}]", "both ends of channel \"lan\" are in \"router\""),
        ("channels: [{name: lan, ends: [router, {mac: '02:00:00:00:00:01'}]}]", "an end has no \"partition\""),
        ("channels: [{name: lan, ends: [router, worker], mtu: 1501}]", "\"1501\" is no MTU of a channel"),
        ("channels: [{name: lan, ends: [router, worker], mtu: 67}]", "\"67\" is no MTU of a channel"),
        ("channels: [{name: lan, ends: [router, worker], kind: disk}]", "\"disk\" is not a kind of channel"),
        (
            "channels: [{name: lan, ends: [router, worker], kind: memory, mtu: 1500}]",
            "m.yaml:6: channel \"lan\" is shared memory, which has no \"mtu\""
        ),
        (
            "channels: [{name: lan, ends: [router, {partition: worker, kick: never}], kind: memory}]",
            "channel \"lan\" is shared memory, which has no \"kick\""
        ),
        (
            "channels: [{name: a, ends: [router, worker], kind: port, mtu: 1500}]",
            "m.yaml:6: channel \"a\" is a port, which has no \"mtu\""
        ),
        (
            "channels: [{name: a, ends: [router, {partition: worker, rate: 1M/s}], kind: port}]",
            "channel \"a\" is a port, which has no \"rate\""
        ),
        (
            "channels: [{name: a, ends: [router, {partition: worker, mac: '02:00:5e:10:00:01'}], kind: port}]",
            "channel \"a\" is a port, which has no \"mac\""
        ),
        (
            "channels: [{name: a, ends: [router, worker], kind: port, kick: never}]",
            "an end of port \"a\" that is never interrupted waits for ever"
        ),
        ("channels: [{name: lan, ends: [router, worker], kick: 0/s}]", "is not how often a guest may be interrupted"),
        ("channels: [{name: lan, ends: [router, worker], kick: 49/s}]", "is not how often a guest may be interrupted"),
        ("channels: [{name: lan, ends: [router, worker], rate: 10M}]", "\"10M\" is not a rate"),
        ("channels: [{name: lan, ends: [router, worker], rate: 1B/s}]", "is not between 1K/s and 4095M/s"),
        (
            "channels: [{name: lan, ends: [router, {partition: worker, mac: '03:00:00:00:00:01'}]}]",
            "is no address of a network card"
        ),
        (
            "channels: [{name: lan, ends: [router, {partition: worker, mac: '02:00:00:00:01'}]}]",
            "is no address of a network card"
        ),
        (
            "channels: [{name: lan, ends: [router, worker]}, {name: lan, ends: [router, worker]}]",
            "two channels have the name \"lan\""
        ),
        ("channels: [{name: LAN, ends: [router, worker]}]", "m.yaml:6: the name of a channel has the character 'L'"),
        ("channels: [{name: lan, ends: [router, worker], wires: 2}]", "unknown key \"wires\" in a channel"),
    ])
    func whatIsWrongIsSaid(_ channels: String, _ expected: String) {
        #expect(problem(channels).contains(expected), "\(problem(channels))")
    }

    /// Of one end or of both; each has a key by its partition's secret.
    @Test func sealedEndsAreReadAndComeBack() throws {
        let secret = String(repeating: "5a", count: 48)
        func sealed(_ channel: String, secret: String? = secret) throws -> Manifest {
            let text = file(channel).replacingOccurrences(
                of: "cores: [2], memory: 64M,",
                with: "cores: [2], memory: 64M,\(secret.map { " secret: \($0)," } ?? "")")
            return try parseManifest(text, file: "m.yaml", images: .unchecked)
        }
        let manifest = try sealed("channels: [{name: lan, ends: [router, {partition: worker, seal: true}]}]")
        #expect(manifest.channels[0].ends[1].isSealed && !manifest.channels[0].ends[0].isSealed)
        let bytes = try encoded(manifest), copy = try decoded(bytes)
        #expect(copy.channels[0].ends[1].isSealed && !copy.channels[0].ends[0].isSealed)
        let again = try parseManifest(manifestYAML(copy), file: "m.yaml", images: .unchecked)
        #expect(try encoded(again) == bytes, "\(manifestYAML(copy))")
        let json = try #require(ManifestJSON(copy).channels)
        #expect(json[0].ends[1].seal == true && json[0].ends[0].seal == nil)
        #expect(ManifestPicture(copy).text.contains("interrupted: 20000/s, sealed)"))
        // What was signed before there were seals has the same bytes.
        let open = try sealed("channels: [{name: lan, ends: [router, {partition: worker, seal: false}]}]")
        #expect(try encoded(open).count == bytes.count - 1)
        // Four fields or five, of which the last is true.
        var wrong = bytes
        let last = try #require(wrong.lastIndex(of: 0xF5))
        wrong[last] = 0xF4
        #expect(throws: (any Error).self) { try decoded(wrong) }
        func problem(_ channel: String, secret: String? = secret) -> String {
            do { _ = try sealed(channel, secret: secret) } catch { return "\(error)" }
            return ""
        }
        let ends = "name: lan, ends: [router, {partition: worker, seal: true}]"
        #expect(
            problem("channels: [{\(ends)}]", secret: nil).contains(
                "has a sealed end of channel number 1, and no secret that its key could be made of"))
        #expect(problem("channels: [{\(ends), mtu: 101}]").contains("MTU of 101"))
        #expect(problem("channels: [{\(ends), mtu: 102}]").isEmpty)
        #expect(problem("channels: [{\(ends), kind: memory}]").contains("which has no \"seal\""))
        #expect(UInt64(SealLayout.overhead) == ChannelSpec.sealSize)
    }

    @Test func theExampleOfSealedEndsIsOne() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..").standardized
        let file = root.appending(path: "Examples/sealed-wire.yaml").path
        let manifest = try compileManifest(file, images: .unchecked).0
        #expect(manifest.channels[0].ends[0].isSealed && !manifest.channels[0].ends[1].isSealed)
        #expect(manifest.partitions[0].secret != nil && manifest.partitions[1].secret == nil)
    }

    @Test func thereAreNoMoreThanOnePartitionCanHave() throws {
        let list = (0..<8).map { "  - {name: c\($0), ends: [router, worker]}" }
        #expect(try parse((["channels:"] + list.prefix(7)).joined(separator: "\n")).channelCount == 7)
        #expect(
            problem((["channels:"] + list).joined(separator: "\n")).contains(
                "m.yaml:14: there are 8 channels; the most is 7"))
    }

    /// What root mode relies on it checks itself.
    @Test func theDecoderRefusesWhatLeadsNowhere() throws {
        func refusal(_ change: (inout ChannelSpec) -> Void) throws -> ManifestError.Reason? {
            var manifest = try parse("")
            var channel = ChannelSpec()
            channel.name = "lan"
            (channel.ends[0].mac, channel.ends[1].mac) = (2, 0x102)
            channel.ends[1].partition = 1
            change(&channel)
            manifest.append(channel)
            let bytes = try encodeManifest(manifest, file: "m.yaml")
            var copy = Manifest()
            do throws(ManifestError) { try copy.decode(bytes.span) } catch {
                #expect(copy.channelCount == 0 && copy.partitionCount == 0)
                return error.reason
            }
            return nil
        }
        #expect(try refusal { _ in } == nil)
        #expect(try refusal { $0.ends[1].partition = 0 } == .channelEnds)
        #expect(try refusal { $0.ends[1].partition = 2 } == .channelEnds)
        #expect(try refusal { $0.ends[0].partition = 7 } == .channelEnds)
        #expect(try refusal { $0.ends[0].partition = 8 } == .encoding)
        #expect(try refusal { $0.mtu = 1501 } == .encoding)
        #expect(try refusal { $0.mtu = 67 } == .encoding)
        #expect(try refusal { $0.mtu = 2 } == .encoding)
        #expect(try refusal { $0.mtu = 1 } == nil)
        #expect(try refusal { $0.mtu = 68 } == nil)
        #expect(try refusal { $0.mtu = 0 } == nil)
        // What is no wire, or has no name to make keys of, would not be sealed.
        #expect(try refusal { $0.ends[0].isSealed = true } == nil)
        for mtu in [0, 1] as [UInt16] {
            #expect(try refusal { ($0.mtu, $0.ends[0].isSealed) = (mtu, true) } == .encoding)
        }
        #expect(try refusal { ($0.name, $0.ends[0].isSealed) = ("", true) } == .encoding)
        #expect(try refusal { $0.ends[0].mac = 1 << 48 } == .encoding)
        #expect(try refusal { $0.ends[0].kick = ChannelSpec.maxKicks + 1 } == .encoding)
        // The tool's own rules, of a manifest that another program made.
        var manifest = try parse("")
        var channel = ChannelSpec()
        channel.ends[1].partition = 1
        for name in ["lan", "lan", ""] as [Label] {
            channel.name = name
            manifest.append(channel)
        }
        var found: [ManifestRefusal.Reason] = []
        manifest.forEachProblem { if $0.field == .channels { found.append($0.reason) } }
        #expect(
            found == [.tool(.channelNames), .tool(.nameEmpty)])
    }
}
