import Platform
import Testing
import UnitSupport

@testable import Loaders

/// What a guest is handed behind its initrd, read as Linux reads it.
@Suite struct SecretArchiveTests {
    private struct Entry: Equatable {
        var name: String
        var mode, size: Int
        var content: [UInt8]
    }

    /// The entries of an archive, up to its trailer.
    private func entries(_ bytes: [UInt8]) -> [Entry] {
        var at = 0, found: [Entry] = []
        while at + 110 <= bytes.count {
            #expect(Array(bytes[at..<at + 6]) == Array("070701".utf8) && at % 4 == 0)
            let start = at
            func field(_ i: Int) -> Int {
                Int(String(decoding: bytes[(start + 6 + 8 * i)..<(start + 14 + 8 * i)], as: UTF8.self), radix: 16) ?? -1
            }
            let name = bytes[(at + 110)..<(at + 110 + field(11))]
            #expect(name.last == 0)
            at = (at + 110 + name.count + 3) & ~3
            let content = Array(bytes[at..<at + field(6)])
            at = (at + content.count + 3) & ~3
            let entry = Entry(
                name: String(decoding: name.dropLast(), as: UTF8.self), mode: field(1), size: field(6), content: content
            )
            found.append(entry)
            if entry.name == "TRAILER!!!" { break }
        }
        #expect(at == bytes.count)
        return found
    }

    @Test(arguments: [1, 3, 4, 32, 63, 64]) func itIsBehindTheInitrd(_ count: Int) throws {
        let secret = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 1) }
        for size in [0, 1, 4, 4095, 5000] {
            let initrd = [UInt8](repeating: 0x5A, count: size)
            try withMemory { memory throws(LoadError) in
                let entry = try load(bzImage(), initrd: initrd, secret: secret, memory: memory)
                let start = UInt64(memory.load(UInt32.self, at: entry.rsi + 0x218) ?? 0)
                let length = Int(memory.load(UInt32.self, at: entry.rsi + 0x21C) ?? 0)
                let bytes = memory.array(at: start, length) ?? []
                let archive = (size + 3) & ~3
                #expect(Array(bytes.prefix(size)) == initrd && bytes[size..<archive].allSatisfy { $0 == 0 })
                let expected = [
                    Entry(name: "bulkhead", mode: 0o40700, size: 0, content: []),
                    Entry(name: "bulkhead/secret", mode: 0o100400, size: count, content: secret),
                    Entry(name: "TRAILER!!!", mode: 0, size: 0, content: []),
                ]
                #expect(entries(Array(bytes[archive...])) == expected)
                #expect(start % 4096 == 0 && start + UInt64(bytes.count) <= 64 << 20)
            }
        }
    }

    /// Without one, guests get what they always got.
    @Test func thereIsNoArchiveWithoutASecret() throws {
        try withMemory { memory throws(LoadError) in
            let entry = try load(bzImage(), initrd: [1, 2, 3], secret: [], memory: memory)
            #expect(memory.load(UInt32.self, at: entry.rsi + 0x21C) == 3)
        }
    }
}
