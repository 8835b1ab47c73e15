import Manifest
import ManifestRules
import Yams

extension FieldReader {
    /// The list of channels, behind the partitions that they connect.
    mutating func channels(_ node: Node, _ manifest: inout Manifest) {
        var names: Set<String> = []
        for node in list(node, .channels, "channels", most: Manifest.maxChannels) {
            guard let channel = channel(node, manifest) else { continue }
            if !names.insert(channel.name.string).inserted {
                fail(node.mark?.line, "two channels have the name \(quoted(channel.name.string))", field: .channels)
            }
            manifest.append(channel)
        }
        locate(.channels, node)
    }

    private mutating func channel(_ node: Node, _ manifest: Manifest) -> ChannelSpec? {
        let values = mapping(
            node, "a channel", known: ["name", "ends", "kind", "mtu", "kick", "rate"],
            required: [("name", .channels), ("ends", .channels)], field: .channels)
        var channel = ChannelSpec()
        text(values["name"], .channels, into: &channel.name)
        let kind: ChannelKind? = value(values["kind"], .channels) { (text) throws(ValueError) in
            try parseWord(text, ChannelKind.allCases.map { ($0.rawValue, $0) }, "a kind of channel")
        }
        if let mtu = value(values["mtu"], .channels, parseMTU) { channel.mtu = mtu }
        guard let name = values["name"], let ends = values["ends"], values["kind"] == nil || kind != nil else {
            return nil
        }
        channel.kind = kind ?? .wire
        refuseKeys(values, channel)
        guard case .sequence(let list) = ends, list.count == 2 else {
            fail(
                ends.mark?.line, "a channel has two ends", hint: "write ends: [PARTITION, PARTITION]", field: .channels)
            return nil
        }
        for i in 0..<2 {
            guard let end = end(list[i], values, manifest, channel) else { return nil }
            channel.ends[i] = end
        }
        if channel.ends[0].partition == channel.ends[1].partition {
            let partition = manifest.partitions[channel.ends[0].partition].name.string
            fail(
                name.mark?.line, "both ends of channel \(quoted(channel.name.string)) are in \(quoted(partition))",
                hint: "a channel leads to another partition", field: .channels)
            return nil
        }
        if channel.ends[0].mac == channel.ends[1].mac {
            fail(name.mark?.line, "both ends of a channel have the same mac", field: .channels)
        }
        return channel
    }

    private mutating func refuseKeys(_ values: [String: Node], _ spec: ChannelSpec) {
        for key in spec.kind.refusedKeys {
            guard let node = values[key] else { continue }
            fail(
                node.mark?.line,
                "channel \(quoted(spec.name.string)) is \(spec.kind.words), which has no \(quoted(key))",
                hint: "leave it out, or write kind: wire", field: .channels)
        }
    }

    /// A partition's name, or `{partition: ..., mac: ..., kick: ..., rate: ..., seal: ...}`; what it does not say the channel says. Whether
    /// it is sealed is each end's own: the service's is not.
    private mutating func end(
        _ node: Node, _ channel: [String: Node], _ manifest: Manifest, _ spec: ChannelSpec
    ) -> ChannelEnd? {
        var values: [String: Node] = ["partition": node]
        if case .mapping = node {
            values = mapping(
                node, "an end", known: ["partition", "mac", "kick", "rate", "seal"],
                required: [("partition", .channels)],
                field: .channels)
            refuseKeys(values, spec)
        }
        let names = manifest.partitionList.enumerated().map { (name: $0.element.name.string, value: $0.offset) }
        guard
            let partition = value(
                values["partition"], .channels,
                { (text) throws(ValueError) in try parseWord(text, names, "a partition") })
        else { return nil }
        var end = ChannelEnd()
        end.partition = partition
        end.mac = defaultMAC(manifest.name.string, spec.name.string, manifest.partitions[partition].name.string)
        if let mac = value(values["mac"], .channels, parseMAC) { end.mac = mac }
        if let kick = value(values["kick"] ?? channel["kick"], .channels, parseKick) { end.kick = kick }
        if spec.isPort, end.kick == 0 {
            fail(
                (values["kick"] ?? channel["kick"])?.mark?.line,
                "an end of port \(quoted(spec.name.string)) that is never interrupted waits for ever",
                hint: "write always, or how often a second: 1000/s", field: .channels)
        }
        if let isSealed = value(values["seal"], .channels, parseFlag) { end.isSealed = isSealed }
        if let rate = value(values["rate"] ?? channel["rate"], .channels, parseRate) { end.rate = rate }
        return end
    }
}

/// An address that is no manufacturer's (bit 1 of the first byte) and one card's alone (bit 0), from what names it (FNV-1a).
private func defaultMAC(_ names: String...) -> UInt64 {
    let hash = names.joined(separator: "\n").utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
        ($0 ^ UInt64($1)) &* 0x100_0000_01B3
    }
    return (hash ^ hash >> 16) & 0xFFFF_FFFF_FFFC | 2
}

private func parseMTU(_ text: String) throws(ValueError) -> UInt16 {
    let known = UInt64(ChannelSpec.minMTU)...UInt64(ChannelSpec.maxMTU)
    guard let mtu = parseNumber(text), known.contains(mtu) else {
        let hint = "write \(known.lowerBound) to \(known.upperBound) bytes"
        throw ValueError(reason: "\(quoted(text)) is no MTU of a channel", hint: hint)
    }
    return UInt16(mtu)
}

/// `02:00:5e:10:00:01`, of one card.
private func parseMAC(_ text: String) throws(ValueError) -> UInt64 {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    let bytes = parts.compactMap { $0.count == 2 && $0.allSatisfy(\.isHexDigit) ? UInt64($0, radix: 16) : nil }
    guard parts.count == 6, bytes.count == 6, bytes[0] & 1 == 0, bytes.contains(where: { $0 != 0 }) else {
        throw ValueError(
            reason: "\(quoted(text)) is no address of a network card", hint: "write six bytes: 02:00:5e:10:00:01")
    }
    return bytes.reversed().reduce(0) { $0 << 8 | $1 }
}

/// `always`, `never` or `1000/s`: what is held back comes 50 times a second.
private func parseKick(_ text: String) throws(ValueError) -> UInt32 {
    switch text {
    case "always": return ChannelSpec.maxKicks
    case "never": return 0
    default:
        let number = text.hasSuffix("/s") ? parseNumber(String(text.dropLast(2))) : nil
        guard let number, (50...UInt64(ChannelSpec.maxKicks)).contains(number) else {
            throw ValueError(
                reason: "\(quoted(text)) is not how often a guest may be interrupted",
                hint: "write always, never, or how often a second, at least 50: 1000/s")
        }
        return UInt32(number)
    }
}

/// `10M/s`: bytes a second, in powers of two.
private func parseRate(_ text: String) throws(ValueError) -> UInt32 {
    let hint = "write bytes a second: 10M/s"
    guard text.hasSuffix("/s"), let bytes = try? parseSize(String(text.dropLast(2))) else {
        throw ValueError(reason: "\(quoted(text)) is not a rate", hint: hint)
    }
    guard (1024...UInt64(UInt32.max)).contains(bytes) else {
        throw ValueError(reason: "the rate \(quoted(text)) is not between 1K/s and 4095M/s", hint: hint)
    }
    return UInt32(bytes)
}
