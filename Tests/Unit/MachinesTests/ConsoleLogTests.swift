import ControlClient
import Foundation
import Testing

@testable import Machines

@Suite struct ConsoleLogTests {
    private func deadline(_ seconds: Double) -> Deadline { Deadline(HostClock(), after: .seconds(seconds)) }

    @Test func splitsLinesAcrossPiecesAndDropsControlSequences() {
        let log = ConsoleLog()
        log.append(Array("\u{1B}[2J\u{1B}[01;01Hbulk".utf8))
        log.append(Array("head: on\r\nsecond\npart".utf8))
        #expect(log.lines == ["bulkhead: on", "second"])
        log.close()
        #expect(log.lines == ["bulkhead: on", "second", "part"])
    }

    @Test func waitFindsWhatWasPrintedBeforeAndWhatComesLater() async {
        let log = ConsoleLog()
        log.append(Array("a\nb\n".utf8))
        #expect(log.wait(until: deadline(0)) { $0 == "b" ? true : nil }?.index == 1)
        Thread {
            Thread.sleep(forTimeInterval: 0.05)
            log.append(Array("c\n".utf8))
        }.start()
        #expect(log.wait(from: 2, until: deadline(10)) { $0 == "c" ? true : nil }?.index == 2)
    }

    @Test func waitEndsAtTheTimeoutAndWhenTheMachineEnds() {
        let log = ConsoleLog()
        #expect(log.wait(until: deadline(0.05)) { _ in true } == nil)
        log.close()
        #expect(log.wait(until: deadline(1000)) { _ in true } == nil)
    }

    @Test func aLineWithoutEndIsBounded() {
        let log = ConsoleLog()
        log.append([UInt8](repeating: 0x41, count: 100_000))
        log.close()
        #expect(log.lines.first?.count == 4096)
    }
}
