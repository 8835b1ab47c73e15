import Machines
import Testing

@testable import TestKit

@Suite struct PortRateTests {
    private let sum = String(repeating: "a", count: 64)

    @Test func theReceiversClockCounts() throws {
        let line = "@bulkhead port-received bytes=67108864 hundredths=62 sha256=\(sum)"
        #expect(try PortRate.milliseconds(line, sha256: sum) == 620)
        // What its clock did not see has taken at most a step of it.
        #expect(try PortRate.milliseconds(line.replacing("=62 ", with: "=0 "), sha256: sum) == 10)
    }

    @Test(arguments: ["67108864", "hundredths=62", "=aaaa", "@bulkhead "])
    func whatDidNotArriveAsItWasSentHasNoRate(_ part: String) {
        let line = "@bulkhead port-received bytes=67108864 hundredths=62 sha256=\(sum)"
        #expect(throws: MachineError.self) {
            try PortRate.milliseconds(line.replacing(part, with: "=bbbb"), sha256: sum)
        }
    }
}
