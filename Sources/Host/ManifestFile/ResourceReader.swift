import Manifest
import ManifestRules
import Resources
import Yams

extension FieldReader {
    /// `cache`, `bandwidth` and `memory-key`.
    mutating func resources(_ values: [String: Node]) -> ResourceDemand {
        var demand = ResourceDemand()
        if let node = values["cache"] { cache(node, &demand) }
        if let bandwidth = value(values["bandwidth"], .bandwidth, parseBandwidth) { demand.bandwidth = bandwidth }
        if let key = value(values["memory-key"], .memoryKey, parseMemoryKey) { demand.memoryKey = key }
        return demand
    }

    /// A core, or `{core: ..., cache: ..., bandwidth: ...}`.
    mutating func housekeeping(_ node: Node, _ manifest: inout Manifest) {
        locate(.housekeeping, node)
        guard case .mapping = node else {
            if let core = value(node, .housekeeping, parseCore) { manifest.housekeeping = core }
            return
        }
        let values = mapping(
            node, "housekeeping", known: ["core", "cache", "bandwidth"], required: [("core", .housekeeping)],
            field: .housekeeping)
        if let core = value(values["core"], .housekeeping, parseCore) { manifest.housekeeping = core }
        manifest.housekeepingResources = resources(values)
    }

    /// `{l3: 4 ways, l2: 25%}`.
    private mutating func cache(_ node: Node, _ demand: inout ResourceDemand) {
        locate(.cache, node)
        let values = mapping(node, "cache", known: ["l3", "l2"], field: .cache)
        if let l3 = value(values["l3"], .cache, parseCache) { demand.l3 = l3 }
        if let l2 = value(values["l2"], .cache, parseCache) { demand.l2 = l2 }
        locate(.cache, node)
    }
}

/// `4 ways`, `25%` or `exclusive`.
package func parseCache(_ text: String) throws(ValueError) -> CacheDemand {
    if text == "exclusive" { return .exclusive }
    if text.hasSuffix("%"), let percent = parseNumber(String(text.dropLast())), 1...100 ~= percent,
        let demand = CacheDemand(rawValue: 0x100 + UInt16(percent))
    {
        return demand
    }
    let words = text.split(separator: " ")
    if words.count == 2, ["way", "ways"].contains(words[1]), let ways = parseNumber(String(words[0])), 1...32 ~= ways,
        let demand = CacheDemand(rawValue: UInt16(ways))
    {
        return demand
    }
    throw ValueError(reason: "\(quoted(text)) is not a part of a cache", hint: "write 4 ways, 25% or exclusive")
}

/// `required`, `preferred` or `none`.
package func parseMemoryKey(_ text: String) throws(ValueError) -> MemoryKeyDemand {
    try parseWord(text, MemoryKeyDemand.names, "a demand for a memory key")
}

/// `40%`, or `12 GB/s`, in steps of an eighth.
package func parseBandwidth(_ text: String) throws(ValueError) -> BandwidthDemand {
    if text.hasSuffix("%"), let percent = parseNumber(String(text.dropLast())), 1...100 ~= percent,
        let demand = BandwidthDemand(rawValue: UInt16(percent))
    {
        return demand
    }
    let amount = text.hasSuffix("GB/s") ? String(text.dropLast(4)).split(separator: " ").joined() : ""
    if let gigabytes = Double(amount), gigabytes > 0, gigabytes < 4096, gigabytes * 8 == (gigabytes * 8).rounded(),
        let demand = BandwidthDemand(rawValue: 0x8000 + UInt16(gigabytes * 8))
    {
        return demand
    }
    throw ValueError(
        reason: "\(quoted(text)) is not a limit of memory bandwidth",
        hint: "write 40% (Intel), or 12 GB/s, in steps of 0.125 (AMD)")
}

extension MemoryKeyDemand {
    public static let names: [(name: String, value: MemoryKeyDemand)] = [
        ("none", .none), ("preferred", .preferred), ("required", .required),
    ]
    public var name: String { Self.names.first { $0.value == self }?.name ?? "none" }
}

extension CacheDemand {
    /// As in a manifest; nil where nothing is asked for.
    public var text: String? {
        switch rawValue {
        case 0: nil
        case 1...32: "\(rawValue) way" + (rawValue == 1 ? "" : "s")
        case 0x200: "exclusive"
        default: "\(rawValue & 0xFF)%"
        }
    }
}

extension BandwidthDemand {
    /// As in a manifest; nil where nothing is asked for.
    public var text: String? {
        guard self != .none else { return nil }
        guard isAmount else { return "\(rawValue)%" }
        return amount % 8 == 0 ? "\(amount / 8) GB/s" : "\(Double(amount) / 8) GB/s"
    }
}

extension ResourceDemand {
    var cacheWords: [String: String]? {
        let words = ["l3": l3.text, "l2": l2.text].compactMapValues { $0 }
        return words.isEmpty ? nil : words
    }

    private var cacheText: String? {
        let parts = [("l3", l3.text), ("l2", l2.text)].compactMap { name, text in text.map { "\(name): \($0)" } }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }

    /// Lines of a manifest.
    public var yaml: [String] {
        var lines: [String] = []
        if let cacheText { lines.append("cache: {\(cacheText)}") }
        if let text = bandwidth.text { lines.append("bandwidth: \(text)") }
        if memoryKey != .none { lines.append("memory-key: \(memoryKey.name)") }
        return lines
    }

    /// For `manifest show`.
    var rows: [(String, String)] {
        var rows: [(String, String)] = []
        if let cacheText { rows.append(("cache", cacheText)) }
        if let text = bandwidth.text { rows.append(("bandwidth", text)) }
        if memoryKey != .none { rows.append(("memory key", memoryKey.name)) }
        return rows
    }
}

func housekeepingYAML(_ manifest: Manifest) -> String {
    let lines = manifest.housekeepingResources.yaml
    guard !lines.isEmpty else { return "housekeeping: \(manifest.housekeeping)" }
    return (["housekeeping:", "core: \(manifest.housekeeping)"] + lines).joined(separator: "\n  ")
}

extension ManifestPicture {
    /// What housekeeping asks for, under a heading of its own.
    var housekeeping: [String] {
        let rows = manifest.housekeepingResources.rows
        return rows.isEmpty ? [] : ["", "Housekeeping"] + rows.map { "    \(pad($0.0, 13)) \($0.1)" }
    }
}
