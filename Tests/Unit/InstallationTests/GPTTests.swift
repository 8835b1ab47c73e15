import Foundation
import Testing

@testable import Installation

@Suite struct GPTTests {
    let table = GPT(
        disk: UUID(),
        partitions: [
            GPT.Partition(type: GPT.systemPartition, id: UUID(), sectors: 2048...67583, name: "Bulkhead a"),
            GPT.Partition(type: GPT.extendedBootPartition, id: UUID(), sectors: 67584...133119, name: "Bulkhead b"),
        ])

    /// The check value of the CRC's definition.
    @Test func checksum() { #expect(CRC32.of(Data("123456789".utf8)) == 0xCBF4_3926) }

    @Test func bothCopiesReadBack() {
        let (head, tail) = table.encoded(sectors: 135_168)
        #expect(head.count == 34 * 512 && tail.count == 33 * 512)
        #expect(GPT(head: head) == table && GPT(tail: tail) == table)
        // UEFI 2.10, section 5.2.3: the protective MBR.
        #expect(head[450] == 0xEE && head[510...511] == Data([0x55, 0xAA]))
        // The type's first field is little endian: section 5.3.3.
        #expect(head[1024..<1028] == Data([0x28, 0x73, 0x2A, 0xC1]))
        // Each header says where it is and where the other one is.
        #expect(head[512 + 24] == 1 && tail.suffix(512).prefix(40)[tail.count - 512 + 32] == 1)
    }

    @Test func damageIsNoticed() {
        let (head, tail) = table.encoded(sectors: 135_168)
        for at in [512, 530, 600, 1024, 1100, 17_000] {
            var damaged = head
            damaged[at] ^= 1
            let isRead = GPT(head: damaged) != nil
            // Behind the header's 92 bytes nothing is checked.
            #expect(isRead == (at == 512 + 92), "\(at)")
        }
        #expect(GPT(head: Data(count: 34 * 512)) == nil && GPT(tail: Data(tail.dropLast())) == nil)
    }

    /// The first 34 sectors with checksums that are right.
    static func sealed(_ head: Data) -> Data? {
        var head = head
        func put(_ at: Int, _ sum: UInt32) {
            for index in 0..<4 { head[at + index] = UInt8(truncatingIfNeeded: sum >> UInt32(8 * index)) }
        }
        put(512 + 88, CRC32.of(Data(head[1024...])))
        put(512 + 16, 0)
        put(512 + 16, CRC32.of(Data(head[512..<604])))
        return GPT(head: head) == nil ? nil : head
    }
}
