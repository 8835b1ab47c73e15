import Resources
import Testing
import X86

/// Register level: no emulator enumerates any of this.
@Suite struct CapabilityTests {
    @Test func intelsServers() {
        let skylake = RecordedProcessor.skylake.capabilities
        #expect(skylake.l3.ways == 11 && skylake.l3.shared == 0x600 && skylake.l3.highestClass == 15)
        #expect(skylake.l3.hasCodeAndData && !skylake.l3.allowsGaps && skylake.l2.ways == 0)
        #expect(skylake.bandwidth == .percent && skylake.bandwidthLimit == 90 && skylake.highestBandwidthClass == 7)
        #expect(skylake.highestMonitor == 0x8F && skylake.counterUnit == 0x1_C000 && skylake.counterBits == 24)
        let ice = RecordedProcessor.iceLake.capabilities
        #expect(ice.l3.ways == 12 && ice.counterBits == 32)
        let sapphire = RecordedProcessor.sapphireRapids.capabilities
        #expect(sapphire.l3.ways == 15 && sapphire.l2.ways == 16 && sapphire.l2.highestClass == 7)
    }

    @Test(arguments: [RecordedProcessor.zen2, .zen3, .zen4, .zen5]) func amds(_ processor: RecordedProcessor) {
        let found = processor.capabilities
        #expect(found.l3.ways == 16 && found.l3.allowsGaps && found.l2.ways == 0)
        #expect(found.bandwidth == .amount && found.bandwidthLimit == 2048 && found.highestBandwidthClass == 15)
        #expect(found.counterBits == 44 && found.counterUnit == 64 && found.counters == 7)
    }

    @Test func whatIsNotEnumeratedIsNotThere() {
        #expect(RecordedProcessor.haswell.capabilities == ResourceCapabilities())
        let none = RecordedProcessor("none", .intel, [])
        #expect(none.capabilities == ResourceCapabilities())
    }

    /// Delays that are no percentages promise nothing.
    @Test func delaysMustBeLinear() {
        var odd = RecordedProcessor.skylake
        odd.leaves[0x10 << 32 | 3] = CPUIDRegisters(eax: 0x59, edx: 7)
        #expect(odd.capabilities.bandwidth == .none && odd.capabilities.l3.ways == 11)
    }

    @Test func whoSharesACache() {
        let leaves: [UInt64: CPUIDRegisters] = [
            0: CPUIDRegisters(eax: 0x1B), 4 << 32: CPUIDRegisters(eax: 0x0400_4121),
            4 << 32 | 1: CPUIDRegisters(eax: 0x0400_4122), 4 << 32 | 2: CPUIDRegisters(eax: 0x0400_4143),
            4 << 32 | 3: CPUIDRegisters(eax: 0x0407_C163),
        ]
        func native(_ leaf: UInt32, _ subleaf: UInt32) -> CPUIDRegisters {
            leaves[UInt64(leaf) << 32 | UInt64(subleaf)] ?? CPUIDRegisters()
        }
        #expect(CacheSharing.bits(level: 2, .intel, native: native) == 1)
        #expect(CacheSharing.bits(level: 0, .intel, native: native) == 5)
        // Who does not say so is taken to share with all.
        #expect(CacheSharing.bits(level: 0, .amd, native: native) == 32)
        #expect(CacheSharing.bits(level: 2, .amd, native: { _, _ in CPUIDRegisters(eax: 0x8000_001E) }) == 32)
    }

    @Test func ofAHybridProcessorNothingIsDivided() {
        var processor = RecordedProcessor.sapphireRapids
        #expect(ResourceCapabilities(processor.vendor, native: processor.native).l3.ways > 0)
        processor.leaves[7 << 32, default: CPUIDRegisters()].edx |= 1 << 15
        #expect(ResourceCapabilities(processor.vendor, native: processor.native) == ResourceCapabilities())
    }
}
