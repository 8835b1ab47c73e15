import Foundation
import Manifest
import ManifestFile
import Testing

@Suite struct RenderingTests {
    @Test func yamlRoundTrip() throws {
        let text = manifestYAML(sample())
        let again = try parseManifest(text, file: "m.yaml", images: .unchecked)
        #expect(try encoded(again) == encoded(sample()))
    }

    /// Values that YAML would read as something else, and every printable character.
    @Test func yamlQuoting() throws {
        for name: Label in ["null", "true", "no", "y", "on"] {
            var line = CommandLine()
            for byte in UInt8(0x20)...0x7E { line.append(byte) }
            let manifest = sample {
                $0.name = name
                $0.partitions[0].name = name
                $0.partitions[0].image = "123"
                $0.partitions[0].commandLine = line
                $0.partitions[1].commandLine = "  ' # : - {  "
                $0.machineMemory = 4 * gibibyte + 1
            }
            let again = try parseManifest(manifestYAML(manifest), file: "m.yaml", images: .unchecked)
            #expect(try encoded(again) == encoded(manifest))
        }
    }

    @Test func pictureNamesEverything() {
        let text = ManifestPicture(sample(), width: 80).text
        for word in ["control-loop", "workload", "housekeeping", "512 MiB", "0x40000000 to 0x7fffffff", "2.5 GiB"] {
            #expect(text.contains(word), "\(word)")
        }
        #expect(!text.contains("\u{1B}"))
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 })
        #expect(ManifestPicture(sample(), hasColor: true).text.contains("\u{1B}[32m"))
    }

    @Test func pictureOfTheLargestMachine() {
        let manifest = sample {
            $0.machineCores = 64
            $0.machineMemory = 1 << 40
        }
        for width in [0, 60, 80, 500] {
            let lines = ManifestPicture(manifest, width: width).text.split(separator: "\n")
            let boxes = lines.filter { $0.contains("│") || $0.contains("─") }
            #expect(boxes.allSatisfy { $0.count <= max(60, min(width, 120)) })
            #expect((0..<64).allSatisfy { core in boxes.contains { $0.contains(" \(core) ") } })
        }
    }

    @Test func coreRanges() {
        #expect(CoreSet(rawValue: 0).ranges == "")
        #expect(CoreSet(rawValue: 0b1).ranges == "0")
        #expect(CoreSet(rawValue: 0b1011_0110).ranges == "1-2,4-5,7")
        #expect(CoreSet(rawValue: .max).ranges == "0-63")
    }

    @Test func sizes() {
        #expect(sizeText(0) == "0 bytes")
        #expect(sizeText(1536 * mebibyte) == "1.5 GiB")
        #expect(sizeText(1537 * mebibyte) == "1537 MiB")
        #expect(sizeText(4097) == "4097 bytes")
    }

    @Test func json() throws {
        let text = try jsonText(ManifestJSON(sample()))
        let again = try JSONDecoder().decode(ManifestJSON.self, from: Data(text.utf8))
        #expect(again.machine.cores == 4)
        #expect(again.partitions.map(\.name) == ["control-loop", "workload"])
        #expect(again.partitions[0].at == nil)
        #expect(again.partitions[1].at == 0x4000_0000)
        #expect(again.partitions[1].initrd == nil)
        #expect(text.contains("\"on-crash\" : \"restart\""))
    }

    @Test func editDistances() {
        let cases = [
            ("core", "cores"), ("memroy", "memory"), ("Memory", "memory"), ("cosnole", "console"), ("ram", "memory"),
        ]
        for (word, meant) in cases {
            let words = refusals("name: a\nhousekeeping: 0\npartitions:\n  - \(word): 1\n")
            #expect(words.contains { $0.contains("did you mean \"\(meant)\"?") }, "\(word)")
        }
    }
}
