import Testing
import X86

/// A processor that answers these leaves, and zeros elsewhere.
struct Leaves {
    var answers: [UInt64: CPUIDRegisters] = [:]

    init(_ answers: [(leaf: UInt32, subleaf: UInt32, registers: CPUIDRegisters)]) {
        for (leaf, subleaf, registers) in answers { self.answers[Self.key(leaf, subleaf)] = registers }
    }
    static func key(_ leaf: UInt32, _ subleaf: UInt32) -> UInt64 { UInt64(leaf) << 32 | UInt64(subleaf) }
    func callAsFunction(_ leaf: UInt32, _ subleaf: UInt32) -> CPUIDRegisters {
        answers[Self.key(leaf, subleaf)] ?? CPUIDRegisters()
    }
}

@Suite struct TopologyTests {
    @Test func theLevelsOfLeafBSayHowIdsFall() {
        // Two threads a core, up to eight cores a package.
        let leaves = Leaves([
            (0, 0, CPUIDRegisters(eax: 0xD)), (0xB, 0, CPUIDRegisters(eax: 1, ebx: 2, ecx: 0x100)),
            (0xB, 1, CPUIDRegisters(eax: 4, ebx: 16, ecx: 0x201)),
        ])
        for vendor in [Vendor.amd, .intel] {
            let topology = Topology(vendor, native: leaves.callAsFunction)
            #expect(topology.threadBits == 1 && topology.packageBits == 4)
            #expect(topology.areSiblings(6, 7) && !topology.areSiblings(7, 8))
            #expect(topology.package(of: 0x2B) == 2 && topology.core(of: 0x2B) == 5 && topology.thread(of: 0x2B) == 1)
        }
    }

    @Test func leaf1FComesBeforeLeafBAndItsInnerLevelsBelongToThePackage() {
        let leaves = Leaves([
            (0, 0, CPUIDRegisters(eax: 0x20)), (0xB, 0, CPUIDRegisters(eax: 0, ecx: 0x100)),
            (0x1F, 0, CPUIDRegisters(eax: 1, ebx: 2, ecx: 0x100)),
            (0x1F, 1, CPUIDRegisters(eax: 3, ebx: 8, ecx: 0x201)),
            (0x1F, 2, CPUIDRegisters(eax: 6, ebx: 32, ecx: 0x502)),  // dies
        ])
        let topology = Topology(.intel, native: leaves.callAsFunction)
        #expect(topology.threadBits == 1 && topology.packageBits == 6)
    }

    @Test func anEmptyLeaf1FFallsBackToLeafB() {
        let leaves = Leaves([
            (0, 0, CPUIDRegisters(eax: 0x1F)), (0xB, 0, CPUIDRegisters(eax: 1, ecx: 0x100)),
            (0xB, 1, CPUIDRegisters(eax: 2, ecx: 0x201)),
        ])
        #expect(Topology(.intel, native: leaves.callAsFunction).packageBits == 2)
    }

    @Test func anAMDProcessorWithoutLevelsHasItsThreadsIn8000001E() {
        var leaves = Leaves([
            (0, 0, CPUIDRegisters(eax: 0xD)), (0x8000_0000, 0, CPUIDRegisters(eax: 0x8000_001E)),
            (0x8000_0008, 0, CPUIDRegisters(ecx: 0x400F)), (0x8000_001E, 0, CPUIDRegisters(ebx: 0x103)),
        ])
        let named = Topology(.amd, native: leaves.callAsFunction)
        #expect(named.threadBits == 1 && named.packageBits == 4)
        // No size of the ids is given: the count of threads decides.
        leaves.answers[Leaves.key(0x8000_0008, 0)] = CPUIDRegisters(ecx: 5)
        #expect(Topology(.amd, native: leaves.callAsFunction).packageBits == 3)
    }

    @Test func aProcessorThatSaysNothingHasOneThreadACore() {
        let topology = Topology(.intel, native: Leaves([]).callAsFunction)
        #expect(topology.threadBits == 0 && !topology.areSiblings(0, 1) && topology.thread(of: 3) == 0)
    }

    @Test func nonsenseDoesNotTrap() {
        let ones = CPUIDRegisters(eax: .max, ebx: .max, ecx: .max, edx: .max)
        for vendor in [Vendor.amd, .intel] {
            let topology = Topology(vendor) { _, _ in ones }
            #expect(topology.packageBits <= 31)
            _ = topology.core(of: .max) &+ topology.package(of: .max) &+ topology.thread(of: .max)
        }
    }
}
