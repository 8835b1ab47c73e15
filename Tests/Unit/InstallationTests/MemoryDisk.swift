import Foundation
import Installation

/// The power has failed.
struct PowerLost: Error {}

/// A disk in memory. Its power fails after a number of sectors; what has been written until then stays.
final class MemoryDisk: SectorDevice {
    private(set) var content: Data
    /// Sectors until the power fails; nil: never.
    var sectorsLeft: Int?
    private(set) var sectorsWritten = 0
    /// All that was written, in its order.
    private(set) var journal: [(offset: UInt64, data: Data)] = []

    init(size: Int) { content = Data(count: size) }
    init(_ content: Data) { self.content = content }

    var size: UInt64 { UInt64(content.count) }

    func read(_ offset: UInt64, _ count: Int) throws -> Data {
        Data(content[Int(offset)..<min(content.count, Int(offset) + count)])
    }

    func write(_ offset: UInt64, _ data: Data) throws {
        let sectors = (data.count + 511) / 512
        let count = min(sectors, sectorsLeft ?? sectors)
        let bytes = min(data.count, count * 512)
        journal.append((offset, Data(data.prefix(bytes))))
        content.replaceSubrange(Int(offset)..<Int(offset) + bytes, with: data.prefix(bytes))
        sectorsWritten += count
        if let left = sectorsLeft { sectorsLeft = left - count }
        if count < sectors { throw PowerLost() }
    }

    func flush() throws {}

    /// A medium that does not keep what is written: so many bytes from the start are good. The system remembers the rest until
    /// it is told to forget.
    var good: Int?

    func forget() throws {
        if let good, good < content.count { content.replaceSubrange(good..., with: Data(count: content.count - good)) }
    }
}
