import ManifestFile
import Resources
import Testing

@testable import Manifest
@testable import ManifestRules

/// Partitions with demands on one machine.
struct Bench {
    var manifest = Manifest()
    var facts: MachineFacts

    /// - Parameter cores: of each partition; the cores of one domain have one first digit.
    init(_ processor: RecordedProcessor, _ demands: [(cores: [Int], change: (inout PartitionSpec) -> Void)]) {
        facts = MachineFacts(cores: CoreSet(rawValue: .max))
        facts.resources = processor.capabilities
        for core in 0..<64 { facts.lastLevelCaches[core] = UInt8(core / 10 * 10) }
        manifest.housekeeping = 0
        for (index, demand) in demands.enumerated() {
            var spec = PartitionSpec()
            spec.name = Label("p\(index)") ?? Label()
            for core in demand.cores { spec.cores.insert(CoreSet(core: core)) }
            demand.change(&spec)
            manifest.append(spec)
        }
    }

    func resources(_ core: Int) throws -> CoreResources { try manifest.resources(of: core, on: facts) }

    /// All of a domain's cores, each with its own order of writes, on one set of shared registers.
    func program(_ cores: [Int]) throws -> [Int: Registers] {
        let domain = Registers.Domain()
        var found: [Int: Registers] = [:]
        for core in cores {
            let registers = Registers(facts.resources ?? ResourceCapabilities(), domain)
            try resources(core).forEachSetting { registers.write($0, $1) }
            found[core] = registers
        }
        for core in cores {
            let held = try resources(core).holds { found[core]?.read($0) ?? 0 }
            #expect(held)
        }
        return found
    }

    func refusal() -> ManifestError? {
        do throws(ManifestError) {
            try manifest.checkResources(on: facts)
            return nil
        } catch { return error }
    }

    func words() -> String? { refusal()?.sentence(manifest) }
}

extension CoreResources {
    /// Classes that have an L3 mask, class 0 among them.
    var classCount: Int {
        var count = 0
        forEachSetting { msr, _ in if 0xC90..<0xD10 ~= msr { count += 1 } }
        return count
    }
}

func ways(_ count: UInt16) -> (inout PartitionSpec) -> Void {
    { $0.resources.l3 = CacheDemand(rawValue: count) ?? .none }
}
func percent(_ count: UInt16) -> (inout PartitionSpec) -> Void { ways(0x100 + count) }
func bandwidth(_ raw: UInt16) -> (inout PartitionSpec) -> Void {
    { $0.resources.bandwidth = BandwidthDemand(rawValue: raw) ?? .none }
}

@Suite struct CacheMaskTests {
    /// Eight partitions and the housekeeping core, each with a class, on a machine that divides everything: what a core writes has
    /// its places.
    @Test func theMostThatOneCoreWrites() throws {
        var bench = Bench(.skylake, (1...8).map { core in ([core], ways(1)) })
        var capabilities = ResourceCapabilities()
        capabilities.l3.ways = 20
        capabilities.l3.hasCodeAndData = true
        capabilities.l3.highestClass = 15
        capabilities.l2 = capabilities.l3
        (capabilities.bandwidth, capabilities.bandwidthLimit, capabilities.highestBandwidthClass) = (.percent, 90, 15)
        bench.facts.resources = capabilities
        bench.manifest.housekeepingResources.l3 = CacheDemand(rawValue: 1) ?? .none
        for core in 0...8 {
            var count = 0
            try bench.resources(core).forEachSetting { _, _ in count += 1 }
            #expect(count == 2 + 10 * 3 + 1)
        }
    }

    /// Whatever is asked for and possible: masks are legal, nobody's ways are another's, none that devices fill is promised.
    @Test(arguments: RecordedProcessor.dividing) func masksAreLegalAndDisjoint(_ processor: RecordedProcessor) throws {
        let total = processor.capabilities.l3.ways
        for first in 1...total {
            for second in 1...total {
                let bench = Bench(
                    processor,
                    [([1], ways(UInt16(first))), ([2], ways(UInt16(second))), ([3], ways(0x200)), ([4], { _ in })])
                guard bench.refusal() == nil else { continue }
                let cores = try bench.program([0, 1, 2, 3, 4])
                let masks = try (0...4).map { core in
                    let registers = try #require(cores[core])
                    return registers.l3(Int(registers.association >> 32))
                }
                #expect(masks[1].nonzeroBitCount == Int(first) && masks[2].nonzeroBitCount == Int(second))
                #expect(masks[1] & masks[2] == 0 && masks[3] & (masks[1] | masks[2]) == 0 && masks[3] != 0)
                // Housekeeping and who asks for nothing share the rest.
                #expect(masks[0] == masks[4] && masks[0] & (masks[1] | masks[2] | masks[3]) == 0)
                #expect((masks[1] | masks[2] | masks[3]) & UInt64(processor.capabilities.l3.shared) == 0)
            }
        }
    }

    @Test func percentagesAreRoundedUp() throws {
        let bench = Bench(.skylake, [([1], percent(25)), ([2], percent(60))])
        #expect(bench.words() == "partition \"p1\" asks for 7 ways of the level 3 cache; 6 are left together")
        let less = Bench(.skylake, [([1], percent(25)), ([2], percent(45))])
        let cores = try less.program([1, 2])
        #expect(cores[1]?.l3(1) == 0b111 && cores[1]?.l3(2) == 0b1111_1000 && cores[1]?.l3(0) == 0b111_0000_0000)
    }

    /// The order in which cores come does not matter: they write the same values.
    @Test func eachCoreWritesTheSame() throws {
        let bench = Bench(.sapphireRapids, [([1, 2], ways(4)), ([3], ways(0x200))])
        let forth = try bench.program([0, 1, 2, 3]), back = try bench.program([3, 2, 1, 0])
        #expect(forth[0]?.domain.values == back[0]?.domain.values)
        #expect(forth[1]?.association == 1 << 32 | 1 && forth[3]?.association == 2 << 32 | 2)
        // Class last: no core runs under a class that has no mask yet.
        #expect(forth.values.allSatisfy { $0.trace.last?.msr == 0xC8F })
        #expect(forth[1]?.trace.first?.msr == 0xC81 && forth[1]?.trace.dropFirst().first?.msr == 0xC82)
    }

    /// Masks are a domain's own: what a partition takes in one, it takes in each of its domains, and nobody's elsewhere.
    @Test func domainsAreApart() throws {
        let bench = Bench(.zen3, [([1, 11], ways(8)), ([12], ways(15)), ([21], { _ in })])
        #expect(bench.refusal()?.reason == .tooFewWays && bench.refusal()?.partition == 1)
        let fitting = Bench(.zen3, [([1, 11], ways(8)), ([12], ways(7)), ([21], { _ in })])
        let first = try fitting.resources(1), second = try fitting.resources(11), third = try fitting.resources(21)
        #expect(first.classCount == 2 && second.classCount == 3 && third.classCount == 0)
    }

    @Test func nothingIsWrittenWhereNothingIsAskedFor() throws {
        var bench = Bench(.skylake, [([1], { _ in }), ([2], { _ in })])
        bench.facts.resources?.highestMonitor = 0
        for core in 0..<4 {
            let resources = try bench.resources(core)
            #expect(resources.isEmpty)
            resources.forEachSetting { _, _ in Issue.record("a write") }
        }
        // Where the silicon counts, the core's traffic has its partition's number, and nothing else is touched.
        bench.facts.resources?.highestMonitor = 8
        let registers = try bench.program([1])
        #expect(registers[1]?.trace.map(\.msr) == [0xC8F] && registers[1]?.association == 1)
        #expect(try bench.resources(3).isEmpty)
    }

    @Test func refusalsSayWhatIsWrong() {
        let none = RecordedProcessor.haswell
        #expect(
            Bench(none, [([1], ways(2))]).words()
                == "partition \"p0\" asks for a part of the level 3 cache, which this machine cannot divide; "
                + "\"accept: [shared-cache]\" would allow it")
        let accepted: (inout PartitionSpec) -> Void = {
            ways(2)(&$0)
            bandwidth(40)(&$0)
            $0.accepts.insert(.sharedCache)
        }
        #expect(Bench(none, [([1], accepted)]).refusal() == nil)
        // What the machine has is not given up by that.
        #expect(Bench(.skylake, [([1], accepted), ([2], ways(9))]).refusal()?.reason == .tooFewWays)
        #expect(Bench(.skylake, [([1], ways(0x200)), ([2], ways(0x200))]).refusal()?.reason == .cacheTakenTwice)
        #expect(Bench(.skylake, [([1], ways(9))]).refusal() == nil)
        #expect(Bench(.skylake, [([1], ways(10))]).refusal()?.reason == .tooFewWays)
        #expect(Bench(none, [([1], bandwidth(40))]).refusal()?.reason == .bandwidthUnlimited)
        let many = (1...8).map { ([$0], bandwidth(50)) }
        #expect(Bench(.skylake, many).refusal()?.reason == .tooFewClasses)
        #expect(
            Bench(.skylake, many).words()
                == "partition \"p7\" and those with whom it shares a cache need 9 classes of service; this machine has 8"
        )
        #expect(Bench(.skylake, Array(many.prefix(7))).refusal() == nil)
    }

    @Test func secondLevelCachesAreDividedWhereTheyAreShared() throws {
        let half: (inout PartitionSpec) -> Void = { $0.resources.l2 = CacheDemand(rawValue: 8) ?? .none }
        var bench = Bench(.sapphireRapids, [([2], half), ([3], half)])
        // Each core has its own: what it asks for is there.
        #expect(bench.refusal() == nil)
        bench.facts.secondLevelCaches[3] = 2
        // One way stays for everybody else.
        #expect(bench.words() == "partition \"p1\" asks for 8 ways of the level 2 cache; 7 are left together")
        let registers = try Bench(.sapphireRapids, [([2], half), ([3], half)]).program([2])
        #expect(registers[2]?.read(0xD11) == 0xFF)
    }
}

@Suite struct BandwidthTests {
    @Test func intelsDelaysKeepTheLimitFromBelow() throws {
        for (wanted, delay) in [(UInt16(100), UInt64(0)), (40, 60), (45, 60), (91, 10), (10, 90)] {
            let bench = Bench(.skylake, [([1], bandwidth(wanted)), ([2], { _ in })])
            let registers = try bench.program([1, 2])
            #expect(registers[1]?.read(0xD51) == delay && registers[1]?.read(0xD50) == 0)
            #expect(registers[1]?.association == 1 << 32 | 1 && registers[2]?.association == 2)
        }
        let refused = Bench(.skylake, [([1], bandwidth(9))])
        #expect(refused.words() == "partition \"p0\" limits memory bandwidth to 9; this machine's bound is 10")
    }

    @Test func amdsLimitsAreAmounts() throws {
        let registers = try Bench(.zen4, [([1], bandwidth(0x8000 + 96))]).program([1])
        #expect(registers[1]?.read(0xC000_0201) == 96 && registers[1]?.read(0xC000_0200) == 2048)
        #expect(Bench(.zen4, [([1], bandwidth(40))]).refusal()?.reason == .bandwidthInAmounts)
        #expect(Bench(.skylake, [([1], bandwidth(0x8000 + 96))]).refusal()?.reason == .bandwidthInPercent)
        #expect(Bench(.zen4, [([1], bandwidth(0x8000 + 2048))]).refusal()?.reason == .bandwidthOutOfRange)
    }

    @Test func housekeepingHasADemandOfItsOwn() throws {
        var bench = Bench(.skylake, [([1], ways(4))])
        bench.manifest.housekeepingResources.l3 = CacheDemand(rawValue: 2) ?? .none
        bench.manifest.housekeepingResources.bandwidth = BandwidthDemand(rawValue: 20) ?? .none
        let registers = try bench.program([0, 1])
        #expect(
            registers[0]?.association == 2 << 32 | 9 && registers[0]?.l3(2) == 0b11_0000
                && registers[0]?.read(0xD52) == 80)
    }
}
