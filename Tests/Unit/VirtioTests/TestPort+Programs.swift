import Testing

// What programs at both ends do, until nobody has anything to do.
extension TestPort {
    /// One end's program sends, and the other one's reads all that has come.
    func carry(_ bytes: [UInt8], from end: Int = 0) {
        waiting[end] = bytes
        write(end)
        settle()
        read(1 - end)
    }
    /// The first end's sends as much of it as finds room; nobody reads.
    func fill(_ bytes: [UInt8]) {
        waiting[0] = bytes
        for _ in 0..<4 {
            write(0)
            settle()
        }
    }
    /// The first end's gives all of it to its driver; the other one's reads no more than that takes.
    func push(_ bytes: [UInt8]) {
        waiting[0] = bytes
        while !waiting[0].isEmpty {
            write(0)
            settle()
            if !waiting[0].isEmpty { read(1, buffers: 1) }
        }
    }
    /// The second end's reads a buffer at a time until its driver is told something, and then what is left.
    /// - Returns: what that was, and how many buffers came before it.
    func readUntilTold() throws -> (told: [[UInt8]], reads: Int) {
        var reads = 0, told = told(1)
        while told.isEmpty {
            read(1, buffers: 1)
            settle()
            told = self.told(1)
            reads += 1
            try #require(reads < 1000)
        }
        read(1)
        return (told, reads)
    }
}
