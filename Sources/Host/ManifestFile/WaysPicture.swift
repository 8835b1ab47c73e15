import Manifest
import Resources

extension ManifestPicture {
    /// How the last-level caches are divided on the machine, as its cores will write it: a bar for each owner, a column for each way.
    /// Nothing where that is not known, or nothing is divided.
    var ways: [String] {
        guard let machine, let cache = machine.resources?.l3, cache.ways > 0 else { return [] }
        let cores = (0..<64).filter { machine.cores.contains(CoreSet(core: $0)) }
        let domains = Dictionary(grouping: cores) { machine.lastLevelCaches[$0] }.sorted { $0.key < $1.key }
        var lines: [String] = []
        for (_, sharers) in domains {
            let found = sharers.compactMap { masks(ofCore: $0, machine) }
            guard let rest = found.first?.rest else { continue }
            lines.append("  of cores \(sharers.reduce(CoreSet()) { $0.union(CoreSet(core: $1)) }.ranges)")
            var own: [(name: String, mask: UInt32)] = []
            for (name, mask) in found.map({ ($0.owner, $0.own) }) where !own.contains(where: { $0.name == name }) {
                own.append((name, mask))
            }
            own.append(("devices", cache.shared))
            let width = max(own.map(\.name.count).max() ?? 0, 12)
            for (name, mask) in own where mask != 0 {
                let note = mask == rest ? " with all who ask for nothing" : ""
                let count = plural(mask.nonzeroBitCount, "way")
                lines.append("    \(pad(name, width)) \(Self.bar(mask, cache.ways))  \(count)\(note)")
            }
        }
        return lines.isEmpty ? [] : ["", "Ways of the last-level cache"] + lines
    }

    /// The highest way is the first column.
    private static func bar(_ mask: UInt32, _ ways: UInt32) -> String {
        (0..<ways).reversed().map { mask >> $0 & 1 != 0 ? "█" : "·" }.joined()
    }

    /// Whose a core is, and the masks of its class and of class 0; nil where its core writes none.
    private func masks(ofCore core: Int, _ machine: MachineFacts) -> (owner: String, own: UInt32, rest: UInt32)? {
        guard let found = try? manifest.resources(of: core, on: machine) else { return nil }
        var masks: [UInt32: UInt32] = [:], number: UInt32 = 0
        found.forEachSetting { register, value in
            if 0xC90..<0xD10 ~= register { masks[register - 0xC90] = UInt32(truncatingIfNeeded: value) }
            if register == 0xC8F { number = UInt32(value >> 32) }
        }
        guard let own = masks[number], let rest = masks[0] else { return nil }
        let partition = manifest.partitionList.first { $0.cores.contains(CoreSet(core: core)) }
        return (partition?.name.string ?? "housekeeping", own, rest)
    }
}
