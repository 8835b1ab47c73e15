import Resources
import Testing
import X86

/// The registers of one core as the manuals say: a write with a reserved bit, an empty mask, a mask with a gap where gaps are not
/// allowed, a class beyond the highest, or to a register that does not exist is #GP. Masks and limits are shared by a domain.
final class Registers {
    /// What all cores of a domain have in common.
    final class Domain {
        var values: [UInt32: UInt64] = [:]
    }

    let capabilities: ResourceCapabilities
    let domain: Domain
    var association: UInt64 = 0
    /// Every write, in order.
    private(set) var trace: [(msr: UInt32, value: UInt64)] = []

    init(_ capabilities: ResourceCapabilities, _ domain: Domain = Domain()) {
        (self.capabilities, self.domain) = (capabilities, domain)
    }

    func read(_ msr: UInt32) -> UInt64 { msr == 0xC8F ? association : domain.values[msr] ?? reset(msr) }

    private func reset(_ msr: UInt32) -> UInt64 {
        switch msr {
        case 0xC90..<0xD10: all(capabilities.l3)
        case 0xD10..<0xD50: all(capabilities.l2)
        case 0xC000_0200..<0xC000_0280: UInt64(capabilities.bandwidthLimit)
        default: 0
        }
    }

    private func all(_ cache: CacheAllocation) -> UInt64 { 1 << UInt64(cache.ways) - 1 }

    func write(_ msr: UInt32, _ value: UInt64) {
        trace.append((msr, value))
        switch msr {
        case 0xC8F:
            // SDM volume 3B, section 18.19.3.2: RMID in 9:0, class in 63:32.
            #expect(value & 0xFFFF_FC00 == 0 && value & 0x3FF <= UInt64(capabilities.highestMonitor), "#GP")
            #expect(value >> 32 <= UInt64(highestClass), "#GP")
            association = value
            return
        case 0xC81: #expect(value == 0 && capabilities.l3.hasCodeAndData)
        case 0xC82: #expect(value == 0 && capabilities.l2.hasCodeAndData)
        case 0xC90..<0xD10: check(capabilities.l3, msr - 0xC90, value)
        case 0xD10..<0xD50: check(capabilities.l2, msr - 0xD10, value)
        case 0xD50..<0xD90:
            #expect(capabilities.bandwidth == .percent && msr - 0xD50 <= capabilities.highestBandwidthClass, "#GP")
            #expect(value <= UInt64(capabilities.bandwidthLimit), "#GP")
        case 0xC000_0200..<0xC000_0280:
            #expect(capabilities.bandwidth == .amount && msr - 0xC000_0200 <= capabilities.highestBandwidthClass, "#GP")
            #expect(value <= UInt64(capabilities.bandwidthLimit), "#GP")
        default: Issue.record("#GP: no register \(String(msr, radix: 16))")
        }
        domain.values[msr] = value
    }

    private var highestClass: UInt32 { max(capabilities.l3.highestClass, capabilities.l2.highestClass) }

    private func check(_ cache: CacheAllocation, _ number: UInt32, _ mask: UInt64) {
        #expect(cache.ways > 0 && number <= cache.highestClass, "#GP: class \(number)")
        #expect(mask != 0 && mask & ~all(cache) == 0, "#GP: mask \(String(mask, radix: 2))")
        let run = mask >> UInt64(mask.trailingZeroBitCount)
        #expect(cache.allowsGaps || run & (run + 1) == 0, "#GP: a gap in \(String(mask, radix: 2))")
    }

    /// The mask that a class has now.
    func l3(_ number: Int) -> UInt64 { read(0xC90 + UInt32(number)) }
}
