import Testing

@testable import TestKit

@Suite struct TestReportTests {
    private static let xml = """
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites>
          <testsuite name="TestResults" errors="0" tests="5" failures="1" skipped="1" time="39.5">
            <testcase classname="MachineTests.MachineTests.Lifecycle" name="itIsRestarted()" time="12.5" />
            <testcase classname="MachineTests.MachineTests.Lifecycle" name="aPanicRestartsIt()" time="4.25">
              <failure message="Expectation failed: a &gt; b" />
            </testcase>
            <testcase classname="MachineTests.MachineTests.Demo" name="bothGuestsGetReady()" time="60" />
            <testcase classname="MachineTests.MachineTests.DeviceDisk" name="debianStarts(_:)" time="0">
              <skipped>BULKHEAD_DEVICES=1 runs it</skipped>
            </testcase>
            <testcase classname="MachineTests.MachineTests.Firmware" name="anEmulator()" time="0.5" />
          </testsuite>
        </testsuites>
        """

    @Test func whatFailedIsNamedAndWhatWasSkippedIsNeither() {
        let report = TestReport(xml: Self.xml)
        #expect(report.passed == 3)
        #expect(report.failures == ["MachineTests.MachineTests.Lifecycle.aPanicRestartsIt()"])
    }

    @Test func theLongestSuiteComesFirstAndTheShortOnesAreOneRow() {
        var report = TestReport(xml: Self.xml)
        var unit = TestReport(xml: Self.xml)
        unit.takes(20, as: "unit tests")
        report += unit
        #expect(
            report.slowest == [
                .init(name: "Demo", seconds: 60, tests: 1), .init(name: "unit tests", seconds: 20, tests: 4),
                .init(name: "Lifecycle", seconds: 16.75, tests: 2), .init(name: "others", seconds: 0.5, tests: 1),
            ])
        #expect(report.passed == 6 && report.failures.count == 2)
    }

    @Test func noReportIsNothing() {
        let report = TestReport(xml: "")
        #expect(report.passed == 0 && report.failures.isEmpty && report.slowest.isEmpty)
    }
}
