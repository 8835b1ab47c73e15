import Control
import Foundation
import Testing
import UnitSupport

@testable import DeviceModel
@testable import Platform

/// A partition's device model by the page that it shares with root mode.
@Suite struct DeviceModelTests {
    private static let card = ModelFunction.network(mac: 2, mtu: 1500, rate: 1_000_000)

    @Test func accessesAreTheFunctionsOwn() throws {
        let model = try TestModel([.console(), Self.card])
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
        let model = try TestModel([.console()])
        #expect(model.page.live == 0)
        model.start()
        #expect(model.page.live == 1)
        model.memory.advanced(by: 0x4000).copyMemory(from: Array("boot\n".utf8), byteCount: 5)
        model.offer(1, 0x4000, 5, index: 0)
        model.port(0, 0x60, 2, 1)
        #expect(model.used(1) == 1)
        for byte in "boot\n".utf8 {
            #expect(model.consoleOut.peek() == byte)
            model.consoleOut.removeFirst()
        }
        #expect(model.page.interruptCount == 1 && model.page.interrupts[0] == 3 << 32 | 0x41)
        model.serve()
        #expect(model.page.interruptCount == 0)
    }

    @Test func aReaderIsWaitedForUntilGivenUp() throws {
        let model = try TestModel([.console()])
        model.start()
        // Somebody reads.
        model.consoleOut.note(read: 1)
        let text = [UInt8](repeating: 0x2E, count: 4096)
        model.memory.advanced(by: 0x4000).copyMemory(from: text, byteCount: 4096)
        for index in 0..<4 as Range<UInt16> {
            model.offer(1, 0x4000, 4096, index: index)
            model.serve()
            if index < 3 { #expect(model.page.waits == 0 && model.used(1) == index + 1) }
        }
        #expect(model.page.waits == 1 && model.used(1) == 3)
        model.page.lostReader = model.consoleOut.noted
        model.serve()
        #expect(model.page.waits == 0 && model.used(1) == 4)
        // Who comes back is waited for.
        model.consoleOut.note(read: 4096)
        model.offer(1, 0x4000, 4096, index: 4)
        model.serve()
        #expect(model.page.waits == 1 && model.used(1) == 4)
    }

    @Test func theControlLinkLosesNothing() throws {
        let model = try TestModel([.console(isControl: true)])
        model.start()
        model.offer(1, 0x4000, 4096, index: 0)
        model.serve()
        #expect(model.used(1) == 0 && model.controlIn.room == 0 && model.page.waits == 0)
        for _ in 0..<2048 { model.controlIn.removeFirst() }
        model.serve()
        #expect(model.used(1) == 1)
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
        let model = try TestModel([.console()])
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
        #expect(UInt64(MemoryLayout<DeviceModel>.size) <= ModelMemory.end - ModelMemory.state - 16384)
    }
}
