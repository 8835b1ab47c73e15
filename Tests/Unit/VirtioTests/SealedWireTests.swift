import Platform
import Testing
import Text
import WireSeal

@testable import DeviceModel

/// Two partitions' device models at the sealed ends of one wire.
@Suite struct SealedWireTests {
    private let models: [TestModel]
    private let frame = (0..<300).map { UInt8(truncatingIfNeeded: $0) &* 13 &+ 5 }

    init() throws {
        // Not bounded in what they send.
        let card = ModelFunction.network(mac: 2, mtu: 1500, rate: 1 << 30, seal: "lan")
        let first = try TestModel([card])
        models = [first, try TestModel([card], other: first)]
    }

    /// As the loader does (Sources/Metal/Loader/Program/SealedEnds.swift).
    private func hand(_ end: Int, _ secret: [UInt8]?) {
        #expect(models[end].configuration(0, SealRegister.state) == 1)
        if let secret {
            let key = secret.withUnsafeBytes { SealKey(secret: $0) }
            for i in 0..<8 { models[end].configuration(0, SealRegister.key + i * 4, UInt64(key.word(i))) }
        }
        models[end].configuration(0, SealRegister.state, 0)
        #expect(models[end].configuration(0, SealRegister.state) == 0)
        #expect(models[end].configuration(0, SealRegister.key) == 0)
    }

    /// Each with 16 buffers, and both served until they have found each other.
    private func start() {
        for model in models { model.start() }
        for model in models { for index in 0..<16 as Range<UInt16> { offer(model, index) } }
        for _ in 0..<4 { for model in models { model.serve() } }
    }
    private func offer(_ model: TestModel, _ index: UInt16) {
        model.offer(0, 0x2_0000 + UInt64(index & 31) * 2048, 1530, index: index)
    }
    private func send(_ end: Int, _ frame: [UInt8], index: UInt16 = 0) {
        models[end].memory.advanced(by: 0x4_0000).copyMemory(from: frame, byteCount: frame.count)
        models[end].offer(1, 0x4_0000 - 12, frame.count + 12, index: index)
        models[end].serve()
    }
    private func received(_ end: Int, _ index: Int, _ count: Int) -> [UInt8] {
        [UInt8](UnsafeRawBufferPointer(start: models[end].memory + 0x2_0000 + index * 2048 + 12, count: count))
    }
    private func link(_ end: Int) -> UInt64? { models[end].port(0, 0x56, 2) }
    /// What has just gone onto the wire from the first end.
    private var slot: UnsafeMutableRawPointer {
        let number = models[0].halves.load(fromByteOffset: 64, as: UInt32.self) - 1
        return models[0].halves + 4096 + Int(number & 127) * 2048
    }

    @Test func whatOneGuestSendsTheOtherReceivesAndTheWireDoesNotShow() throws {
        let secret = [UInt8](repeating: 7, count: 32)
        for end in 0..<2 { hand(end, secret) }
        start()
        #expect(link(0) == 1 && link(1) == 1)
        // Greetings take no buffer and are no drops.
        #expect(models.allSatisfy { $0.used(0) == 0 && $0.page.counters[0].dropped == 0 })
        #expect(models[0].port(0, 0x5A, 2) == 1466)
        send(0, frame)
        models[1].serve()
        #expect(models[1].used(0) == 1 && received(1, 0, 300) == frame)
        let sealed = [UInt8](UnsafeRawBufferPointer(start: slot + 8, count: 334))
        #expect(slot.load(as: UInt16.self) == 334 && sealed[12] == 0x88 && sealed[13] == 0xB5)
        let part = Array(frame[12..<20])
        #expect(!(0..<320).contains { sealed[$0..<$0 + 8].elementsEqual(part) })
        // The other way too, and the largest.
        let large = (0..<1484).map { UInt8(truncatingIfNeeded: $0) &* 3 }
        send(1, large)
        models[0].serve()
        #expect(models[0].used(0) == 1 && received(0, 0, 1484) == large)
        send(1, large + [0], index: 1)
        models[0].serve()
        #expect(models[0].used(0) == 1 && models[1].page.counters[0].dropped == 1)
    }

    /// By who can write to the wire: each is dropped, and counted at the end that refuses it.
    @Test func whatIsRepeatedOrChangedOrInClearIsDropped() throws {
        for end in 0..<2 { hand(end, [UInt8](repeating: 7, count: 32)) }
        start()
        send(0, frame)
        models[1].serve()
        let sealed = [UInt8](UnsafeRawBufferPointer(start: slot, count: 8 + 334)), taken = models[1].used(0)
        func inject(_ content: [UInt8]) -> UInt64 {
            let dropped = models[1].page.counters[0].dropped
            send(0, [UInt8](repeating: 0xEE, count: 300), index: models[0].used(1))
            slot.copyMemory(from: content, byteCount: content.count)
            models[1].serve()
            return models[1].page.counters[0].dropped - dropped
        }
        #expect(inject(sealed) == 1, "a second time")
        var changed = sealed
        changed[200] ^= 1
        #expect(inject(changed) == 1)
        var clear = sealed
        clear.replaceSubrange(8..<8 + 300, with: frame)
        #expect(inject(clear) == 1)
        #expect(models[1].used(0) == taken)
        send(0, frame, index: models[0].used(1))
        models[1].serve()
        #expect(models[1].used(0) == taken + 1 && received(1, 1, 300) == frame)
    }

    /// Who forges takes a bounded part of the core; when he has stopped, the ends go on.
    @Test func forgeriesHaveABudget() throws {
        for end in 0..<2 { hand(end, [UInt8](repeating: 7, count: 32)) }
        start()
        // Greetings have taken some of it.
        models[1].now += 1_000_000
        func sends(forged: Bool) -> Bool {
            let taken = models[1].used(0)
            send(0, frame, index: models[0].used(1))
            if forged {
                slot.storeBytes(
                    of: slot.load(fromByteOffset: 108, as: UInt8.self) ^ 1, toByteOffset: 108, as: UInt8.self)
            }
            models[1].serve()
            if models[1].used(0) != taken { offer(models[1], 16 + taken) }
            return models[1].used(0) == taken + 1
        }
        for _ in 0..<255 { #expect(!sends(forged: true)) }
        #expect(sends(forged: false))
        #expect(!sends(forged: true) && !sends(forged: false), "the 256th was the last that was looked at")
        models[1].now += 1000
        #expect(sends(forged: false), "a thousandth of a second gives two")
        for _ in 0..<2 { #expect(!sends(forged: true)) }
        #expect(!sends(forged: false))
    }

    @Test func withoutTheSameKeyNothingPasses() throws {
        hand(0, nil)
        hand(1, [UInt8](repeating: 7, count: 32))
        start()
        #expect(link(0) == 0 && link(1) == 0, "the end without a key shows nobody that it is there")
        send(0, frame)
        #expect(models[0].page.counters[0].frames == 0 && models[0].page.counters[0].dropped == 1)
        // The guest's own attempt to give it one.
        for i in 0..<8 { models[0].configuration(0, SealRegister.key + i * 4, 0x0707_0707) }
        models[0].configuration(0, SealRegister.state, 0)
        models[0].serve()
        #expect(link(0) == 0)
    }

    @Test func anotherSecretIsAnotherWire() throws {
        hand(0, [UInt8](repeating: 7, count: 32))
        hand(1, [UInt8](repeating: 8, count: 32))
        start()
        #expect(link(0) == 1 && link(1) == 1)
        for index in 0..<4 as Range<UInt16> {
            send(0, frame, index: index)
            models[1].serve()
            models[0].serve()
        }
        #expect(models[1].used(0) == 0 && models[1].page.counters[0].dropped > 0)
    }

    /// A wire that is not sealed has no such register.
    @Test func otherCardsHaveNoRegister() throws {
        let model = try TestModel([.network(mac: 2, mtu: 1500)])
        #expect(model.configuration(0, SealRegister.state) == 0)
        model.configuration(0, SealRegister.key, 5)
        #expect(model.configuration(0, SealRegister.key) == 0)
        model.start()
        #expect(model.port(0, 0x5A, 2) == 1500)
    }
}
