import Testing
import X86

/// Intel SDM volume 3A, table 6-5; AMD64 APM volume 2, table 8-3: typed in by rows and columns.
@Suite struct EventDeliveryTests {
    private static let benign: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 9, 16, 17, 18, 19]
    private static let contributory: [UInt8] = [0, 10, 11, 12, 13, 21]

    private func delivery(_ second: UInt8, _ first: UInt8, _ kind: InterruptionInfo.Kind = .hardwareException)
        -> EventDelivery
    {
        EventDelivery(second, during: InterruptionInfo(vector: first, kind: kind))
    }

    @Test func nothingWasUnderWay() {
        for vector in 0..<32 as Range<UInt8> {
            #expect(EventDelivery(vector, during: InterruptionInfo(rawValue: 0x0000_030E)) == .exception)
        }
    }

    @Test func afterABenignException() {
        for first in Self.benign {
            for second in Self.benign + Self.contributory + [14] { #expect(delivery(second, first) == .exception) }
        }
    }

    @Test func afterAContributoryException() {
        for first in Self.contributory {
            for second in Self.contributory { #expect(delivery(second, first) == .doubleFault) }
            for second in Self.benign + [14] { #expect(delivery(second, first) == .exception) }
        }
    }

    @Test func afterAPageFault() {
        for second in Self.contributory + [14] { #expect(delivery(second, 14) == .doubleFault) }
        for second in Self.benign { #expect(delivery(second, 14) == .exception) }
    }

    @Test func afterADoubleFault() {
        for second in Self.contributory + [14] { #expect(delivery(second, 8) == .shutdown) }
        for second in Self.benign { #expect(delivery(second, 8) == .exception) }
    }

    /// What nothing brings again is not lost; what an instruction brought, it brings again.
    @Test func afterWhatIsNoException() {
        for second in Self.benign + Self.contributory + [14] {
            #expect(delivery(second, 0x60, .externalInterrupt) == .exceptionBeforeInterrupt)
            #expect(delivery(second, 2, .nmi) == .exceptionBeforeInterrupt)
            for kind in [InterruptionInfo.Kind.softwareInterrupt, .softwareException, .privilegedException] {
                #expect(delivery(second, 3, kind) == .exception)
            }
        }
    }
}
