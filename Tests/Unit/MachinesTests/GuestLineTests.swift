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

    @Test func workAndHistogramsAreRead() {
        #expect(
            GuestLine("@bulkhead work name=forks count=642 ms=7001")
                == .work(name: "forks", count: 642, milliseconds: 7001))
        #expect(GuestLine("@bulkhead work name=forks count=x ms=7001") == nil)
        #expect(
            GuestLine("@bulkhead histogram 99=3 100=12 10000=1 junk 5=")
                == .histogram([
                    .init(microseconds: 99, count: 3), .init(microseconds: 100, count: 12),
                    .init(microseconds: 10000, count: 1),
                ]))
    }
}
