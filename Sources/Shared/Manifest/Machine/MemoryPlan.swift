/// Where each partition's memory lies: the one answer that the tool shows, the boot check demands and the hypervisor
/// carries out.
public struct MemoryPlan: Sendable {
    /// The partitions' ranges, by partition index.
    public private(set) var ranges = InlineArray<8, MemoryRange>(repeating: MemoryRange(base: 0, end: 0))

    /// Places what the manifest fixes, then the rest, the largest first. Memory of 1 GiB and more starts at a multiple of
    /// 1 GiB, so that it is mapped by the largest pages, unless that leaves no room for all.
    /// Throws `memoryNotFree` and `noRoomForMemory`.
    public init(_ manifest: borrowing Manifest, free: FreeMemory) throws(ManifestError) {
        var rest = free
        for i in 0..<manifest.partitionCount {
            guard let fixed = manifest.partitions[i].fixedMemory else { continue }
            guard rest.contains(fixed) else {
                throw ManifestError(.memoryNotFree, partition: i, value: fixed.base, bound: fixed.size)
            }
            rest.remove(fixed)
            ranges[i] = fixed
        }
        if placeFloating(manifest, rest, largest: 1 << 30) == nil { return }
        guard let i = placeFloating(manifest, rest, largest: Manifest.memoryGranule) else { return }
        throw ManifestError(.noRoomForMemory, partition: i, value: manifest.partitions[i].memorySize)
    }

    /// Returns the index of the first partition that found no place, or nil when all have one.
    private mutating func placeFloating(
        _ manifest: borrowing Manifest, _ free: FreeMemory, largest: UInt64
    ) -> Int? {
        var rest = free
        var placed: UInt8 = 0
        while let i = largestLeft(manifest, placed) {
            placed |= 1 << UInt8(i)
            let size = manifest.partitions[i].memorySize
            let alignment = size >= largest ? largest : Manifest.memoryGranule
            guard let range = rest.place(size, alignment: alignment) else { return i }
            rest.remove(range)
            ranges[i] = range
        }
        return nil
    }

    private func largestLeft(_ manifest: borrowing Manifest, _ placed: UInt8) -> Int? {
        var found: Int?
        for i in 0..<manifest.partitionCount where placed & 1 << UInt8(i) == 0 {
            if manifest.partitions[i].memoryBase != 0 { continue }
            if let found, manifest.partitions[found].memorySize >= manifest.partitions[i].memorySize { continue }
            found = i
        }
        return found
    }
}
