import Inventory
import Testing
import X86

@Suite struct ProcessorFeatureTests {
    /// A processor of which only these leaves are known.
    func processor(_ leaves: [UInt32: [CPUIDRegisters]]) -> (UInt32, UInt32) -> CPUIDRegisters {
        { leaf, subleaf in
            let answers = leaves[leaf] ?? []
            return Int(subleaf) < answers.count
                ? answers[Int(subleaf)] : CPUIDRegisters(eax: 0, ebx: 0, ecx: 0, edx: 0)
        }
    }

    func registers(_ eax: UInt32, _ ebx: UInt32, _ ecx: UInt32, _ edx: UInt32 = 0) -> CPUIDRegisters {
        CPUIDRegisters(eax: eax, ebx: ebx, ecx: ecx, edx: edx)
    }

    func names(_ features: ProcessorFeatures) -> [String] {
        (0..<10).filter { features.rawValue >> UInt64($0) & 1 != 0 }.map { ProcessorFeatures.names[$0].description }
    }

    /// The leaves of an EPYC 7xx3 and of a Xeon of the fourth generation.
    @Test func features() {
        let epyc = processor([
            0: [registers(0x10, 0, 0)], 7: [registers(0, 0x219C_97A9, 0x0040_068C)],
            0x10: [registers(0, 2, 0), registers(0xF, 0, 4)],
            0x8000_0000: [registers(0x8000_0023, 0, 0)], 0x8000_0008: [registers(0x3030, 0x111E_F657, 0)],
            0x8000_001F: [registers(0x0101_FD3F, 0x4173, 0)],
        ])
        #expect(
            names(ProcessorFeatures(epyc)) == ["sme", "sev", "sev_es", "sev_snp", "cat_l3", "cdp_l3", "mba"])
        let xeon = processor([
            0: [registers(0x20, 0, 0)], 7: [registers(2, 0xF3BF_B7EF, 0xFB41_7FFE)],
            0x10: [registers(0, 0xE, 0), registers(0xE, 0, 4), registers(0xF, 0, 0)],
            0x8000_0000: [registers(0x8000_0008, 0, 0)],
        ])
        #expect(names(ProcessorFeatures(xeon)) == ["tme", "cat_l3", "cat_l2", "cdp_l3", "mba"])
        #expect(names(ProcessorFeatures(processor([:]))).isEmpty)
    }

    @Test func caches() throws {
        // A 32 KiB data cache of 8 ways for two threads; 16 MiB of 16 ways for sixteen; the end.
        let leaves = [registers(0x4121, 0x01C0_003F, 63), registers(0x3C163, 0x03C0_003F, 16383), registers(0, 0, 0)]
        let amd = processor([0x8000_0000: [registers(0x8000_0023, 0, 0)], 0x8000_001D: leaves])
        let intel = processor([0: [registers(0x20, 0, 0)], 4: leaves])
        for (vendor, native) in [(Vendor.amd, amd), (.intel, intel)] {
            let first = try #require(ProcessorCache(0, vendor, native: native))
            #expect(first.level == 1 && first.type == 1 && first.size == 32768 && first.ways == 8)
            #expect(first.sharedBits == 1)
            let second = try #require(ProcessorCache(1, vendor, native: native))
            #expect(second.level == 3 && second.type == 3 && second.size == 16 << 20 && second.ways == 16)
            #expect(second.sharedBits == 4)
            #expect(ProcessorCache(2, vendor, native: native) == nil)
        }
        #expect(ProcessorCache(0, .amd, native: processor([0x8000_0000: [registers(0x8000_0008, 0, 0)]])) == nil)
        // However many a processor lists: the work is bounded.
        let endless: (UInt32, UInt32) -> CPUIDRegisters = { _, _ in self.registers(0x8000_0023, 0, 0) }
        #expect(ProcessorCache(8, .amd, native: endless) == nil)
    }
}
