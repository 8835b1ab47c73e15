import Control

/// Numbers that the machine tells are not believed to be small: a wrong one gives a wrong answer, and ends nothing.
extension UInt64 {
    func clampedTimes(_ other: UInt64) -> UInt64 {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }

    func clampedPlus(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}

extension Int32 {
    /// Of numbers from 1 on that are given out one after the other; behind the last comes 1.
    var following: Int32 { self == .max ? 1 : self + 1 }
}

extension PartitionInfo {
    /// The cores' numbers, the lowest first: vCPU 0's is the first.
    var coreList: [Int] { (0..<64).filter { cores.rawValue >> UInt64($0) & 1 == 1 } }
    private var coreTotal: Int { cores.rawValue.nonzeroBitCount }

    /// Its cores are its own: what has passed for it is the time of each.
    var uptimeNanoseconds: UInt64 { uptimeMicroseconds.clampedTimes(1000) }

    /// Nanoseconds of all its cores together.
    var processorTime: UInt64 { uptimeNanoseconds.clampedTimes(UInt64(coreTotal)) }
}

extension MachineInfo {
    /// Cores that are listed at most: more than machines have.
    static let mostCores = 1024

    var coreCount: Int { min(max(cores, 0), Self.mostCores) }
}
