import Testing
import X86

@testable import Platform

/// Stands for the local APIC of a processor in x2APIC mode: a write of a bit that the manual calls reserved is #GP, bits that
/// are read-only stay (Intel SDM volume 3A, figure 11-8 and section 11.12.1.3; AMD64 APM volume 2, section 16.4). Typed in
/// from the manuals, apart from the policy.
private struct LocalAPICModel {
    let vendor: Vendor
    private(set) var faults = 0
    private(set) var entries: [UInt32: UInt64] = [:]

    private struct Entry {
        var fields: [ClosedRange<UInt64>]
        var readOnly: [UInt64]
        /// Delivery modes by the manual's names.
        var modes: [UInt64]
    }
    private static let fixed: UInt64 = 0, smi: UInt64 = 2, nmi: UInt64 = 4, initSignal: UInt64 = 5, external: UInt64 = 7

    private func entry(_ msr: UInt32) -> Entry {
        let sources = [Self.fixed, Self.smi, Self.nmi, Self.initSignal]
        switch msr {
        case 0x837: return Entry(fields: [0...7, 16...16], readOnly: [12], modes: [Self.fixed])
        case 0x835, 0x836:
            let polarity: [ClosedRange<UInt64>] = vendor == .intel ? [13...13] : []
            return Entry(
                fields: [0...7, 8...10, 15...15, 16...16] + polarity, readOnly: [12, 14],
                modes: sources + [Self.external])
        default: return Entry(fields: [0...7, 8...10, 16...16], readOnly: [12], modes: sources)
        }
    }
    func hasReserved(_ value: UInt64, _ msr: UInt32) -> Bool {
        let entry = entry(msr)
        return (0..<64 as Range<UInt64>).contains { bit in
            value >> bit & 1 == 1 && !entry.readOnly.contains(bit) && !entry.fields.contains { $0.contains(bit) }
        }
    }
    /// What a processor takes from whoever may do everything.
    func takes(_ value: UInt64, _ msr: UInt32) -> Bool {
        !hasReserved(value, msr) && entry(msr).modes.contains(value >> 8 & 7)
    }
    func isReadOnly(_ bit: UInt64, _ msr: UInt32) -> Bool { entry(msr).readOnly.contains(bit) }

    mutating func write(_ msr: UInt32, _ value: UInt64) {
        guard !hasReserved(value, msr) else { return faults += 1 }
        var kept = value
        for bit in entry(msr).readOnly { kept &= ~(1 << bit) }
        entries[msr] = kept
    }
}

@Suite struct LocalVectorTests {
    private static let entries: [UInt32] = [0x82F, 0x833, 0x834, 0x835, 0x836, 0x837]

    /// Single bits, pairs of them, every mode with every vector, and noise.
    private static let values: [UInt64] = {
        var values: [UInt64] = [0, .max, 0x1_0000]
        for a in 0..<64 as Range<UInt64> { for b in 0..<64 as Range<UInt64> { values.append(1 << a | 1 << b) } }
        for low in 0..<0x2000 as Range<UInt64> { values += [low, low | 0x1_0000, low | 0x1_8000, low | 0x2_0000] }
        var random = SystemRandomNumberGenerator()
        for _ in 0..<4000 { values += [random.next(), random.next() & 0x1_FFFF] }
        return values
    }()

    @Test(arguments: [Vendor.amd, .intel]) func noWriteFaultsAndNoneIsLost(vendor: Vendor) {
        for msr in Self.entries {
            var silicon = LocalAPICModel(vendor: vendor)
            for value in Self.values {
                let written = LocalVectorPolicy.written(value, to: msr, vendor)
                let mode = value >> 8 & 7
                // Everything that a processor takes, but for SMI and INIT.
                let isGranted = silicon.takes(value, msr) && mode != 2 && mode != 5
                guard let written else {
                    #expect(!isGranted, "\(String(value, radix: 16)) to \(String(msr, radix: 16))")
                    continue
                }
                #expect(isGranted, "\(String(value, radix: 16)) to \(String(msr, radix: 16))")
                silicon.write(msr, written)
                #expect(silicon.entries[msr].map { $0 == written } == true)
                // What it reads as then, with status bits that the processor set meanwhile, can be written back.
                for bit in [12, 14] as [UInt64] where silicon.isReadOnly(bit, msr) {
                    #expect(LocalVectorPolicy.written(written | 1 << bit, to: msr, vendor) == written)
                }
            }
            #expect(silicon.faults == 0)
        }
    }

    /// The masks as the manuals print them.
    @Test func everyEntryHasItsOwnBits() {
        func taken(_ msr: UInt32, _ vendor: Vendor) -> UInt64 {
            var bits: UInt64 = 0
            for low in 0..<0x800 as Range<UInt64> {
                bits |= LocalVectorPolicy.written(low, to: msr, vendor) ?? 0
            }
            for bit in 11..<64 as Range<UInt64> { bits |= LocalVectorPolicy.written(1 << bit, to: msr, vendor) ?? 0 }
            return bits
        }
        for vendor in [Vendor.amd, .intel] {
            #expect(taken(0x837, vendor) == 0x1_00FF)
            // NMI is the one mode beside fixed.
            for msr in [0x82F, 0x833, 0x834] as [UInt32] { #expect(taken(msr, vendor) == 0x1_04FF) }
        }
        for msr in [0x835, 0x836] as [UInt32] {
            #expect(taken(msr, .intel) == 0x1_A7FF)
            #expect(taken(msr, .amd) == 0x1_87FF)
        }
    }
}
