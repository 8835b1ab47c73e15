import Control
import Foundation
import Testing
import UnitSupport
import WireSeal

@testable import DeviceModel
@testable import Platform

/// A partition's device model by the page that it shares with root mode.
@Suite struct DeviceModelTests {
    private static let card = ModelFunction.network(mac: 2, mtu: 1500, rate: 1_000_000)

    @Test func accessesAreTheFunctionsOwn() throws {
        let model = try TestModel([.console, Self.card])
        #expect(model.configuration(0, 0) == 0x1043_1AF4 && model.configuration(1, 0) == 0x1041_1AF4)
        #expect(model.configuration(0, 2, size: 2) == 0x1043 && model.configuration(2, 0) == nil)
        // Not inside one double word.
        #expect(model.answer(ModelCall(.configuration, 0, 3, size: 4, nil)) == UInt64(UInt32.max))
        for index in [2, 8, 1 << 20] {
            #expect(model.answer(ModelCall(.configuration, index, 0, size: 4, nil)) == .max)
            #expect(model.answer(ModelCall(.ports, index, 0x14, size: 1, 15)) == .max)
        }
        #expect(model.port(0, 0x14, 1) == .max, "ports are off")
    }

    @Test func whatIsSentReachesTheConsoleAndInterrupts() throws {
        let model = try TestModel([.console])
        #expect(model.page.live == 0)
        model.start()
        #expect(model.page.live == 0, "a driver, of which nobody has printed anything")
        model.memory.advanced(by: 0x4000).copyMemory(from: Array("boot\n".utf8), byteCount: 5)
        model.offer(1, 0x4000, 5, index: 0)
        model.port(0, 0x60, 2, 1)
        #expect(model.used(1) == 1)
        #expect(model.sent() == Array("boot\n".utf8) && model.page.live == 1)
        #expect(model.page.interruptCount == 1 && model.page.interrupts[0] == 3 << 32 | 0x41)
        model.serve()
        #expect(model.page.interruptCount == 0 && model.sent().isEmpty)
    }

    /// Root mode takes it behind each call, also behind one that only reads.
    @Test func whatIsSentIsThereOnce() throws {
        let model = try TestModel([.console])
        model.start()
        for index in 0..<3 as Range<UInt16> {
            model.offer(1, 0x4000, 7, index: index)
            model.serve()
            #expect(model.sent().count == 7)
            switch index {
            case 0: #expect(model.port(0, 0x14, 1) == 0x0F)
            case 1: #expect(model.configuration(0, 0) == 0x1043_1AF4)
            default: model.configuration(0, 4, 0, size: 2)
            }
            #expect(model.sent().isEmpty)
        }
    }

    @Test func whatComesIsInTheRings() throws {
        for isControl in [false, true] {
            let model = try TestModel([isControl ? .control() : .console])
            let ring =
                unsafe isControl
                ? PartitionRings.controlOut(model.page.rings) : PartitionRings.consoleIn(model.page.rings)
            model.start(isPort: isControl)
            for byte in "typed".utf8 { ring.push(byte) }
            model.offer(0, 0x5000, 64, index: 0)
            model.serve()
            if !isControl {
                // It is the UART's until something is printed.
                #expect(model.used(0) == 0 && ring.peek() == UInt8(ascii: "t"))
                model.offer(1, 0x4000, 1, index: 0)
                model.serve()
            }
            #expect(model.used(0) == 1 && ring.peek() == nil)
            #expect([UInt8](UnsafeRawBufferPointer(start: model.memory + 0x5000, count: 5)) == Array("typed".utf8))
        }
    }

    @Test func whatHasNoRoomWaits() throws {
        let model = try TestModel([.console])
        model.start()
        let text = (0..<5000).map { UInt8(truncatingIfNeeded: $0) }
        model.memory.advanced(by: 0x4000).copyMemory(from: text, byteCount: 5000)
        model.page.room[0] = 0
        model.offer(1, 0x4000, 5000, index: 0)
        model.serve()
        #expect(model.page.waits == 1 && model.used(1) == 0 && model.sent().isEmpty)
        model.page.room[0] = .max
        model.serve()
        #expect(model.page.waits == 0 && model.page.hasMore == 1 && model.sent() == Array(text[..<4080]))
        model.serve()
        #expect(model.page.hasMore == 0 && model.sent() == Array(text[4080...]) && model.used(1) == 1)
    }

    @Test func theControlLinkLosesNothing() throws {
        let model = try TestModel([.control()])
        model.start(isPort: true)
        model.page.room[1] = 2048
        model.offer(1, 0x4000, 4000, index: 0)
        model.serve()
        #expect(model.used(1) == 0 && model.sent(isControl: true).count == 2048 && model.page.waits == 0)
        model.page.room[1] = 0
        model.serve()
        #expect(model.used(1) == 0 && model.sent(isControl: true).isEmpty && model.page.waits == 0)
        model.page.room[1] = 2048
        model.serve()
        #expect(model.used(1) == 1 && model.sent(isControl: true).count == 1952)
    }

    /// Nothing of what a program that is gone has asked for, nor of its answers, keeps the next one from its own.
    @Test func theControlLinksNextProgramBeginsAnew() throws {
        let model = try TestModel([.control()])
        model.start(isPort: true)
        model.page.room[1] = 0
        model.offer(1, 0x4000, 4000, index: 0)
        model.serve()
        let ring = unsafe PartitionRings.controlOut(model.page.rings)
        for byte in "of the first".utf8 { ring.push(byte) }
        for (index, word) in [0x6_0000_0000, 0x1_0006_0000_0000].enumerated() {
            model.memory.storeBytes(of: UInt64(word), toByteOffset: 0x2000, as: UInt64.self)
            model.offer(3, 0x2000, 8, index: UInt16(3 + index))
            model.port(0, 0x60, 2, 3)
            #expect(ring.peek() == nil && model.used(1) == 1 && model.sent(isControl: true).isEmpty)
        }
        model.page.room[1] = 2048
        model.offer(1, 0x4000, 10, index: 1)
        model.offer(0, 0x5000, 64, index: 0)
        for byte in "second's".utf8 { ring.push(byte) }
        model.serve()
        #expect(model.used(1) == 2 && model.sent(isControl: true).count == 10 && model.used(0) == 1)
        #expect([UInt8](UnsafeRawBufferPointer(start: model.memory + 0x5000, count: 8)) == Array("second's".utf8))
    }

    /// What it may send in a tenth of a second, and what was counted before the guest started anew.
    @Test func aRateIsKeptAndCountersGoOn() throws {
        var counters = WireCounters()
        counters.frames = 1000
        let model = try TestModel([.network(mac: 2, mtu: 1500, rate: 64_000)], counters: counters)
        model.halves.storeBytes(of: 1, toByteOffset: Int(WireHalf.size), as: UInt32.self)
        model.start()
        #expect(model.page.changes == 1 || model.page.counters[0].link == 1)
        for index in 0..<32 as Range<UInt16> { model.offer(1, 0x4000, 12 + 640, index: index) }
        model.serve()
        // 100 pieces of 64 bytes; the last that finds any left goes.
        #expect(model.page.counters[0].frames == 1010 && model.page.counters[0].dropped == 22)
        model.now += 100_000
        for index in 32..<34 as Range<UInt16> { model.offer(1, 0x4000, 12 + 640, index: index) }
        model.serve()
        #expect(model.page.counters[0].frames == 1012)
    }

    @Test(arguments: [true, false]) func theOtherEndIsInterruptedWhereItMayBe(_ mayKick: Bool) throws {
        let model = try TestModel([.network(mac: 2, mtu: 1500, rate: 1 << 30, mayKick: mayKick)])
        model.halves.storeBytes(of: 1, toByteOffset: Int(WireHalf.size), as: UInt32.self)
        model.start()
        model.offer(1, 0x4000, 100, index: 0)
        model.serve()
        #expect(model.page.counters[0].frames == 1 && model.page.kicks == (mayKick ? 1 : 0))
        model.serve()
        #expect(model.page.kicks == 0, "it was told once")
    }

    @Test func whatIsLockedIsNotReached() throws {
        let model = try TestModel([.console])
        model.start()
        (model.page.locked[2], model.page.locked[3]) = (0x4000, 0x5000)
        model.offer(1, 0x4FFF, 2, index: 0)
        model.serve()
        #expect(model.used(1) == 0 && model.port(0, 0x14, 1) == 0x4F, "it needs a reset")
        // Borders that make no range are none.
        (model.page.locked[2], model.page.locked[3]) = (.max, 0)
        model.serve()
    }

    /// The numbers that the model's assembly has, and room for it and its stack.
    @Test func theLayoutIsTheAssemblys() throws {
        let layout = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../Sources/Metal/Model/Entry/layout.h").standardizedFileURL
        let text = try String(contentsOf: layout, encoding: .utf8)
        let numbers: [(String, UInt64)] = [
            ("PROGRAM", ModelMemory.program), ("PROGRAM_LIMIT", ModelMemory.programLimit),
            ("PAGE", ModelMemory.page), ("END", ModelMemory.end),
        ]
        for (name, value) in numbers {
            #expect(text.contains("#define MODEL_\(name) 0x\(String(value, radix: 16, uppercase: true))\n"))
        }
        #expect(MemoryLayout<ModelPage>.offset(of: \.isIntel) == 0 && MemoryLayout<ModelPage>.size <= 4096)
        #expect(UInt64(MemoryLayout<DeviceModel>.size) <= ModelMemory.seals - ModelMemory.state)
        #expect(UInt64(MemoryLayout<SealedEnd>.stride * 8) <= ModelMemory.end - ModelMemory.seals - 0x6000)
    }
}
