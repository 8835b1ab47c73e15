import CBOR
import Control
import ControlClient
import Testing

@Suite struct InventoryTests {
    static func items(_ count: Int) -> [InventoryItem] {
        (0..<count).map { index in
            InventoryItem(
                index == 0 ? .machine : .function,
                (0..<InventoryItem.maxValues).map { .max - UInt64(index * 100 + $0) })
        }
    }

    func part(_ bench: Bench, from position: UInt64) throws -> (page: InventoryPage, items: [InventoryItem?]) {
        var request = ControlRequest(.inventory)
        request.position = position
        let reply = try #require(bench.ask(request))
        let parsed = try ReceivedReply(reply.payload)
        #expect(parsed.status == .ok)
        return (try parsed.message(), try parsed.items())
    }

    /// The largest items there can be, in as many answers as they need.
    @Test func comesInParts() throws {
        let bench = Bench()
        bench.machine.items = Self.items(29)
        var next = 0
        var sizes: [Int] = []
        while next < 29 {
            let part = try part(bench, from: UInt64(next))
            #expect(part.page.total == 29 && part.page.first == next)
            for i in 0..<part.items.count {
                let item = try #require(part.items[i])
                #expect(item.kind == (next + i == 0 ? .machine : .function))
                #expect(item.count == InventoryItem.maxValues)
                #expect(item.values[12] == .max - UInt64((next + i) * 100 + 12))
            }
            next += part.items.count
            sizes.append(part.items.count)
        }
        #expect(sizes == [12, 12, 5])
    }

    @Test(arguments: [29, 30, .max]) func beyondTheEndThereIsNothing(_ position: UInt64) throws {
        let bench = Bench()
        bench.machine.items = Self.items(29)
        let part = try part(bench, from: position)
        #expect(part.page.total == 29 && part.page.first == 29 && part.items.isEmpty)
    }

    /// A later hypervisor may know more kinds, and say more of each.
    @Test func unknownKindsAreSkipped() throws {
        var buffer = [UInt8](repeating: 0, count: 200)
        var writer = CBORWriter(buffer.mutableSpan)
        writer.map(4)
        for (key, value) in [(0, 0), (1, 2), (2, 0)] as [(UInt64, UInt64)] {
            writer.key(key)
            writer.uint(value)
        }
        writer.key(3)
        writer.array(2)
        writer.array(2)
        writer.uint(99)
        writer.uint(7)
        writer.array(21)
        writer.uint(1)
        for value in UInt64(1)...20 { writer.uint(value) }
        let count = try writer.finish()
        let items = try ReceivedReply(Array(buffer[..<count])).items()
        #expect(items.count == 2 && items[0] == nil)
        #expect(items[1]?.kind == .core && items[1]?.count == InventoryItem.maxValues)
    }
}
