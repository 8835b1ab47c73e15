import Remapping
import Testing

@Suite struct PendingFaultsTests {
    private func fault(_ requester: UInt16, _ address: UInt64 = 0) -> DeviceFault {
        var fault = DeviceFault()
        (fault.requester, fault.address) = (requester, address)
        return fault
    }

    @Test func theyComeInOrderWithWhatWasLost() {
        var pending = PendingFaults()
        #expect(pending.takeFirst() == nil)
        for i in 0..<7 { pending.add(fault(1, UInt64(i)), owner: 0) }
        pending.add(fault(2), owner: 1)
        #expect(pending.lost == 3)
        var taken: [UInt64] = []
        var lost: [UInt64] = []
        while let next = pending.takeFirst() {
            taken.append(next.fault.address)
            lost.append(next.lost)
        }
        #expect(taken == [0, 1, 2, 3, 0] && lost == [3, 0, 0, 0, 0])
    }

    /// Whoever floods, and be they all but one: the last one's fault is there.
    @Test func whoFloodsHidesNobodyElses() {
        var pending = PendingFaults()
        for owner in [nil, 0, 1, 2, 3, 4, 5, 6] as [Int?] {
            for _ in 0..<100 { pending.add(fault(UInt16(owner ?? 99)), owner: owner) }
        }
        for _ in 0..<4 { pending.add(fault(7), owner: 7) }
        #expect(pending.lost == 8 * 96)
        var last = 0
        while let next = pending.takeFirst() { last += next.fault.requester == 7 ? 1 : 0 }
        #expect(last == 4)
        pending.add(fault(7), owner: 7)
        #expect(pending.takeFirst()?.lost == 0)
    }
}
