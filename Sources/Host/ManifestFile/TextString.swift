import Manifest
import Text

extension Text {
    /// nil when `string` takes more bytes than the capacity.
    public init?(_ string: String) {
        self.init()
        for byte in string.utf8 where !append(byte) { return nil }
    }

    public var string: String { String(decoding: (0..<count).map { bytes[$0] }, as: UTF8.self) }
}

extension CoreSet {
    /// The cores in rising order.
    public var list: [Int] { (0..<64).filter { contains(CoreSet(core: $0)) } }

    /// As people write it: `0`, `1-2`, `0,2-5`.
    public var ranges: String {
        var parts: [String] = []
        var rest = list[...]
        while let first = rest.first {
            var last = first
            while rest.dropFirst().first == last + 1 {
                rest = rest.dropFirst()
                last += 1
            }
            rest = rest.dropFirst()
            parts.append(first == last ? "\(first)" : "\(first)-\(last)")
        }
        return parts.joined(separator: ",")
    }
}

extension Manifest {
    /// The partitions in use.
    public var partitionList: [PartitionSpec] { (0..<partitionCount).map { partitions[$0] } }

    /// The files that the boot volume must hold below `\BULKHEAD`, each once, in the order of their first use.
    public var imagePaths: [String] {
        var paths: [String] = []
        for partition in partitionList {
            for path in [partition.image.string, partition.initrd.string] where !path.isEmpty && !paths.contains(path) {
                paths.append(path)
            }
        }
        return paths
    }
}
