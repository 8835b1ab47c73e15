import Platform

extension ELFImage {
    /// Loads all segments at their physical addresses.
    /// - Returns: the first address behind the highest of them.
    func loadSegments(into memory: borrowing GuestMemory) throws(LoadError) -> UInt64 {
        // Check everything before anything is written: a refused image leaves no half of itself.
        var end: UInt64 = 0
        for i in 0..<segmentCount {
            let segment = try segment(i)
            guard segment.isLoaded else { continue }
            guard segment.fileSize <= segment.memorySize else { throw .badHeader }
            _ = unsafe try image.slice(at: segment.offset, count: segment.fileSize)
            try BootContext.check(segment.physicalAddress, segment.memorySize, in: memory)
            try checkDisjoint(segment, from: i)
            end = max(end, segment.physicalAddress + segment.memorySize)
        }
        guard end > 0 else { throw .nothingToLoad }
        for i in 0..<segmentCount {
            let segment = try segment(i)
            guard segment.isLoaded else { continue }
            let source = unsafe try image.slice(at: segment.offset, count: segment.fileSize)
            unsafe try BootContext.place(source, at: segment.physicalAddress, size: segment.memorySize, in: memory)
        }
        return end
    }

    /// - Precondition: `segment` lies in memory, so that its end does not overflow.
    private func checkDisjoint(_ segment: Segment, from index: UInt64) throws(LoadError) {
        for j in 0..<index {
            let other = try self.segment(j)
            guard other.isLoaded else { continue }
            if segment.physicalAddress < other.physicalAddress + other.memorySize
                && other.physicalAddress < segment.physicalAddress + segment.memorySize
            {
                throw .overlapping
            }
        }
    }

    /// The physical address of an entry point that is given as a physical or as a virtual one.
    func physical(_ entry: UInt64) throws(LoadError) -> UInt64 {
        for i in 0..<segmentCount {
            let segment = try segment(i)
            if segment.isLoaded, entry &- segment.physicalAddress < segment.memorySize { return entry }
        }
        for i in 0..<segmentCount {
            let segment = try segment(i)
            let distance = entry &- segment.virtualAddress
            if segment.isLoaded, distance < segment.memorySize { return segment.physicalAddress + distance }
        }
        throw .entryOutsideImage
    }
}
