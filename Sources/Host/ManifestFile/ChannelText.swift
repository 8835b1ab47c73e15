import Manifest

extension ChannelEnd {
    var macText: String {
        (0..<6).map { i in
            let byte = String(mac >> (UInt64(i) * 8) & 0xFF, radix: 16)
            return byte.count == 1 ? "0" + byte : byte
        }.joined(separator: ":")
    }

    var kickText: String { kick == 0 ? "never" : kick == ChannelSpec.maxKicks ? "always" : "\(kick)/s" }
    var rateText: String? { rate == .max ? nil : exactSize(UInt64(rate)) + "/s" }
}

extension ChannelSpec {
    /// As it stands in a YAML file, with everything said.
    func yaml(_ manifest: Manifest) -> [String] {
        if isMemory {
            return ["  - name: \(name.string)", "    kind: memory", "    ends: [\(endNames(manifest, ", "))]"]
        }
        if isPort {
            let ends = (0..<2).map { i in
                let name = manifest.partitions[self.ends[i].partition].name.string
                return "      - {partition: \(name), kick: \(self.ends[i].kickText)}"
            }
            return ["  - name: \(name.string)", "    kind: port", "    ends:"] + ends
        }
        let ends = (0..<2).map { i in
            let rate = self.ends[i].rateText.map { ", rate: \($0)" } ?? ""
            let name = manifest.partitions[self.ends[i].partition].name.string
            let seal = self.ends[i].isSealed ? ", seal: true" : ""
            return
                "      - {partition: \(name), mac: '\(self.ends[i].macText)', kick: \(self.ends[i].kickText)\(rate)\(seal)}"
        }
        return ["  - name: \(name.string)", "    kind: wire", "    mtu: \(mtu)", "    ends:"] + ends
    }

    /// One line for people.
    func summary(_ manifest: Manifest) -> String {
        if isMemory {
            return "\(name.string): shared memory, \(exactSize(Self.memorySize)) each way, "
                + endNames(manifest, " — ")
        }
        if isPort {
            let ends = (0..<2).map { i in
                let name = manifest.partitions[self.ends[i].partition].name.string
                return "\(name) (interrupted: \(self.ends[i].kickText))"
            }
            return "\(name.string): port, \(ends[0]) — \(ends[1])"
        }
        let ends = (0..<2).map { i in
            let rate = self.ends[i].rateText.map { ", sends at most \($0)" } ?? ""
            let name = manifest.partitions[self.ends[i].partition].name.string
            let seal = self.ends[i].isSealed ? ", sealed" : ""
            return "\(name) (\(self.ends[i].macText), interrupted: \(self.ends[i].kickText)\(rate)\(seal))"
        }
        return "\(name.string): wire, MTU \(mtu), \(ends[0]) — \(ends[1])"
    }
}

extension ChannelSpec {
    /// Bytes of shared memory that each end writes (`WireHalf.memorySize`).
    public static let memorySize: UInt64 = 256 << 10

    private func endNames(_ manifest: Manifest, _ separator: String) -> String {
        (0..<2).map { manifest.partitions[ends[$0].partition].name.string }.joined(separator: separator)
    }
}

extension Manifest {
    /// The channels, in the file's order.
    public var channelList: [ChannelSpec] { (0..<channelCount).map { channels[$0] } }
}
