import Foundation

/// Looks at a FAT file system of 12 or 16 bits as a repair program does: clusters that belong to a file and are free or another's.
/// Clusters that belong to nobody cost room alone.
struct FATCheck {
    private(set) var problems: [String] = []
    private let bytes: [UInt8]
    private let table: Int
    private let data: Int
    private let cluster: Int
    private let count: Int
    private var owners: [Int: String] = [:]

    init(_ volume: Data) {
        bytes = Array(volume)
        func value(_ at: Int, _ size: Int) -> Int {
            [UInt8](volume.dropFirst(at).prefix(size)).reversed().reduce(0) { $0 << 8 | Int($1) }
        }
        let sectors = value(19, 2) != 0 ? value(19, 2) : value(32, 4)
        table = value(14, 2) * 512
        let root = table + value(16, 1) * value(22, 2) * 512
        data = root + value(17, 2) * 32
        cluster = value(13, 1) * 512
        count = (sectors * 512 - data) / cluster
        folder(root..<data, "")
    }

    private func number(_ at: Int) -> Int { Int(bytes[at]) | Int(bytes[at + 1]) << 8 }

    private func entry(_ cluster: Int) -> Int {
        if count >= 4085 { return number(table + cluster * 2) }
        let pair = number(table + cluster * 3 / 2)
        return cluster % 2 == 0 ? pair & 0xFFF : pair >> 4
    }

    private mutating func folder(_ range: Range<Int>, _ path: String) {
        for at in stride(from: range.lowerBound, to: range.upperBound, by: 32) {
            if bytes[at] == 0 { return }
            let kind = bytes[at + 11]
            // Removed, a part of a long name, a label, itself or the folder above.
            if bytes[at] == 0xE5 || kind & 0x3F == 0x0F || kind & 8 != 0 || bytes[at] == UInt8(ascii: ".") { continue }
            let name = path + "/" + String(decoding: bytes[at..<at + 11], as: UTF8.self)
            let parts = chain(number(at + 26), name)
            if kind & 0x10 != 0 { for part in parts { folder(part, name) } }
        }
    }

    private mutating func chain(_ first: Int, _ name: String) -> [Range<Int>] {
        var parts: [Range<Int>] = [], at = first
        while at != 0, at < (count < 4085 ? 0xFF8 : 0xFFF8) {
            guard 2..<count + 2 ~= at else {
                problems.append("\(name) leads to cluster \(at)")
                break
            }
            if let owner = owners[at] {
                problems.append("\(name) and \(owner) have cluster \(at)")
                break
            }
            owners[at] = name
            let start = data + (at - 2) * cluster
            parts.append(start..<start + cluster)
            let next = entry(at)
            if next == 0 { problems.append("\(name) has cluster \(at), which is free") }
            at = next
        }
        return parts
    }
}
