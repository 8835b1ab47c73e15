import Testing

@testable import Machines

@Suite struct GuestLineTests {
    @Test func readyMayOrMayNotTellTheKernelsTime() {
        #expect(
            GuestLine("@bulkhead ready kernel=6.1.0-56-rt-amd64 vcpus=1 run=idle uptime_ms=1899")
                == .ready(kernel: "6.1.0-56-rt-amd64", vcpus: 1, activity: "idle", uptimeMilliseconds: 1899))
        #expect(
            GuestLine("@bulkhead ready kernel=6.1 vcpus=2 run=load")
                == .ready(kernel: "6.1", vcpus: 2, activity: "load", uptimeMilliseconds: nil))
        #expect(GuestLine("@bulkhead ready vcpus=2") == nil)
        #expect(GuestLine("bulkhead ready kernel=6.1 vcpus=2 run=load") == nil)
    }
}
