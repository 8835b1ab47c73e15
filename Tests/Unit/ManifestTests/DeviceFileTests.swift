import Foundation
import Manifest
import ManifestFile
import PCI
import Testing

private func text(_ devices: String) -> String {
    """
    name: sample
    machine: {cores: 4, memory: 4G}
    housekeeping: 0
    partitions:
      - name: first
        cores: [1]
        memory: 512M
        image: vmlinux
    \(devices)
      - name: second
        cores: [2]
        memory: 512M
        image: vmlinux
        devices: [00:05.0]
    """
}

@Suite struct DeviceFileTests {
    static let good = """
            devices:
              - {pci: "00:03.0", id: "8086:10d3", virtual-functions: 2, reset: none}
              - 0000:01:1f.7
              - pci: ff:00.1
            accept: [split-smt]
        """

    @Test func everyForm() throws {
        let manifest = try parseManifest(text(Self.good), file: "m.yaml", images: .unchecked)
        let list = manifest.partitions[0].devices.list
        try #require(list.count == 3)
        #expect(list[0].address == FunctionAddress(bus: 0, device: 3, function: 0))
        #expect(list[0].vendor == 0x8086 && list[0].device == 0x10D3)
        #expect(list[0].virtualFunctions == 2 && list[0].acceptsNoReset)
        #expect(list[1] == spec("01:1f.7"))
        #expect(list[2] == spec("ff:00.1"))
        #expect(manifest.partitions[0].accepts == .splitSMT)
        #expect(manifest.partitions[1].devices.list == [spec("00:05.0")])
        #expect(manifest.partitions[1].accepts.isEmpty)
        // The same through bytes and back, and through YAML and back.
        let bytes = try encoded(manifest)
        let copy = try decoded(bytes)
        #expect(copy.partitions[0].devices.list == list && copy.partitions[0].accepts == .splitSMT)
        #expect(copy.partitions[1].devices.list == [spec("00:05.0")])
        let again = try parseManifest(manifestYAML(copy), file: "m.yaml", images: .unchecked)
        #expect(try encoded(again) == bytes)
    }

    @Test func shownEverywhere() throws {
        let manifest = try parseManifest(text(Self.good), file: "m.yaml", images: .unchecked)
        let picture = ManifestPicture(manifest).text
        for words in [
            "devices       00:03.0 (8086:10d3) with 2 virtual functions not reset between guests", "01:1f.7",
            "accepts       split-smt",
        ] { #expect(picture.contains(words), "\(words)") }
        let json = ManifestJSON(manifest)
        #expect(json.partitions[0].devices.map(\.pci) == ["00:03.0", "01:1f.7", "ff:00.1"])
        #expect(json.partitions[0].devices[0].id == "8086:10d3")
        #expect(json.partitions[0].devices[0].virtualFunctions == 2)
        #expect(json.partitions[0].devices[0].reset == "none")
        #expect(json.partitions[0].devices[1].id == nil && json.partitions[0].accept == ["split-smt"])
        #expect(try jsonText(json).contains("\"virtual-functions\" : 2"))
    }

    /// What is wrong, and the one line that says so.
    @Test(
        arguments: [
            ("devices: 00:03.0", "\"devices\" must be a list; write [\"00:03.0\"]"),
            ("devices: [3.0]", "\"3.0\" is not a PCI function; did you mean 00:03.0?"),
            ("devices: [0:3.0]", "\"0:3.0\" is not a PCI function; did you mean 00:03.0?"),
            ("devices: [\"00:03:0\"]", "\"00:03:0\" is not a PCI function; did you mean 00:03.0?"),
            ("devices: [nvme0]", "\"nvme0\" is not a PCI function; write bus:device.function, as in 00:1f.2"),
            ("devices: [00:20.0]", "there is no PCI function \"00:20.0\"; the bus is at most ff"),
            ("devices: [00:03.8]", "there is no PCI function \"00:03.8\""),
            ("devices: [0001:00:03.0]", "\"0001:00:03.0\" is in PCI segment 0001; only segment 0 is possible"),
            ("devices: [{id: \"8086:10d3\"}]", "a device has no \"pci\""),
            ("devices: [{pci: 00:03.0, id: 8086}]", "\"8086\" is not a PCI identifier; write vendor:device"),
            ("devices: [{pci: 00:03.0, id: \"0000:0001\"}]", "\"0000:0001\" is not a PCI identifier"),
            (
                "devices: [{pci: 00:03.0, virtual-functions: 65}]",
                "\"65\" is not a number of virtual functions; write 1"
            ),
            ("devices: [{pci: 00:03.0, virtual-functions: 0}]", "\"0\" is not a number of virtual functions"),
            ("devices: [{pci: 00:03.0, reset: bus}]", "\"bus\" is not a reset; leave \"reset\" out"),
            ("devices: [{pci: 00:03.0, vfs: 1}]", "did you mean \"virtual-functions\"?"),
            ("device: [00:03.0]", "did you mean \"devices\"?"),
            ("devices: [00:03.0, 00:03.0]", "function 00:03.0 is named twice in partition \"first\""),
            (
                "devices: [00:05.0]",
                "function 00:05.0 is claimed by partition \"first\" and by partition \"second\"; "
                    + "a function belongs to one partition; the other one is in line 9"
            ),
            ("accept: split-smt", "\"accept\" must be a list; write [split-smt]"),
            ("accept: [smt]", "\"smt\" is not a weakness that can be accepted"),
            (
                "devices: [" + (0..<9).map { "00:0\($0).0" }.filter { $0 != "00:05.0" }.joined(separator: ", ")
                    + ", 00:0a.0]", "there are 9 devices; the most is 8"
            ),
        ]) func refused(line: String, words: String)
    {
        let found = refusals(text("    " + line))
        #expect(found.contains { $0.contains(words) }, "\(found)")
        #expect(found.count == 1, "\(found)")
    }

    /// What only an encoded manifest can say.
    @Test func encodedForms() throws {
        var manifest = sample()
        for i in 0..<8 { _ = manifest.partitions[1].devices.append(DeviceSpec.at(i)) }
        manifest.partitions[1].accepts = .splitSMT
        let bytes = try encoded(manifest)
        #expect(try encoded(try decoded(bytes)) == bytes)
        var refused = bytes
        refused[bytes.count - 1] = 0
        let none = #expect(throws: ManifestError.self) { try decoded(refused) }
        #expect(none.map { sentence($0, manifest) } == "partition \"workload\" has the unknown value 0 in key 14")
        refused[bytes.count - 1] = 4
        let unknown = #expect(throws: ManifestError.self) { try decoded(refused) }
        #expect(unknown.map { sentence($0, manifest) } == "partition \"workload\" has the unknown value 4 in key 14")
        let tooMany = sample {
            _ = $0.partitions[0].devices.append(spec("00:03.0") { $0.virtualFunctions = 65 })
        }
        #expect(
            problems(tooMany).map { $0.sentence(tooMany) } == [
                "function 00:03.0 of partition \"control-loop\" is to enable 65 virtual functions; 1 to 64 are possible"
            ])
        let tooManyBytes = try encoded(tooMany)
        let beyond = #expect(throws: ManifestError.self) { try decoded(tooManyBytes) }
        #expect(beyond.map { sentence($0, tooMany) }?.hasSuffix(": a number is too large") == true)
        var unknownWeakness = manifest
        unknownWeakness.partitions[1].accepts = Acceptances(rawValue: 4)
        #expect(
            problems(unknownWeakness).map { $0.sentence(unknownWeakness) } == [
                "partition \"workload\" accepts unknown weaknesses: bits 0x4"
            ])
    }

    /// Each flipped bit of devices gives a refusal, or a manifest with exactly that encoding.
    @Test func eachBitFlipped() throws {
        var manifest = sample()
        _ = manifest.partitions[1].devices.append(spec("01:10.2") { ($0.vendor, $0.virtualFunctions) = (0x8086, 3) })
        manifest.partitions[1].accepts = .splitSMT
        let bytes = try encoded(manifest)
        var accepted = 0
        for bit in (bytes.count - 20) * 8..<bytes.count * 8 {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            guard let copy = try? decoded(flipped) else { continue }
            accepted += 1
            #expect(try encoded(copy) == flipped)
        }
        #expect(accepted > 16)
    }
}

extension DeviceSpec {
    static func at(_ requester: Int) -> DeviceSpec {
        var spec = DeviceSpec()
        spec.address = FunctionAddress(requester: UInt16(requester))
        return spec
    }
}
