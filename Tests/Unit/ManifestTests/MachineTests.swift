import Manifest
import ManifestRules
import Testing

/// 4 cores and 4 GiB as an emulated machine lists them: a hole below 4 GiB, adjoining pieces, a little kept back.
func machine(_ change: (inout MachineFacts) -> Void = { _ in }) -> MachineFacts {
    var facts = MachineFacts(coreCount: 4, installedMemory: 4 * gibibyte - 40 * mebibyte)
    facts.free.add(MemoryRange(base: 0x0010_0000, end: 0x0080_0000))
    facts.free.add(MemoryRange(base: 0x0080_0000, end: 0x4000_0000))
    facts.free.add(MemoryRange(base: 0x4000_0000, end: 0x7E00_0000))
    facts.free.add(MemoryRange(base: 0x1_0000_0000, end: 0x1_8000_0000))
    change(&facts)
    return facts
}

@Suite struct MachineTests {
    @Test func theSampleFits() throws {
        let manifest = sample { $0.partitions[1].memoryBase = 0x1_0000_0000 }
        let plan = try manifest.check(against: machine())
        #expect(plan.ranges[1] == MemoryRange(base: 0x1_0000_0000, size: gibibyte))
        #expect(plan.ranges[0].size == 512 * mebibyte)
        #expect(plan.ranges[0].base % Manifest.memoryGranule == 0)
        #expect(machine().free.contains(plan.ranges[0]))
    }

    @Test func largeMemoryIsAlignedToAGibibyte() throws {
        let manifest = sample { $0.partitions[1].memoryBase = 0 }
        let plan = try manifest.check(against: machine())
        #expect(plan.ranges[1].base == 0x1_0000_0000)
        #expect(plan.ranges[0].base == 0x1_4000_0000)
    }

    @Test func alignmentGivesWayToRoom() throws {
        let manifest = sample { $0.partitions[1].memoryBase = 0 }
        let plan = try manifest.check(
            against: machine { $0.free.remove(MemoryRange(base: 0x1_0000_0000, end: 0x1_8000_0000)) })
        #expect(plan.ranges[1] == MemoryRange(base: 0x0020_0000, size: gibibyte))
        #expect(plan.ranges[0] == MemoryRange(base: 0x4020_0000, size: 512 * mebibyte))
    }

    struct Refusal: CustomTestStringConvertible, Sendable {
        let reason: ManifestError.Reason
        let words: String
        var manifest: @Sendable (inout Manifest) -> Void = { _ in }
        let machine: @Sendable (inout MachineFacts) -> Void
        var testDescription: String { "\(reason)" }
    }

    static let refusals: [Refusal] = [
        Refusal(reason: .tooFewCores, words: "this machine has 1 core; the manifest requires 4") {
            $0.cores = CoreSet(core: 0)
        },
        Refusal(
            reason: .housekeepingAbsent, words: "this machine has no core 0, which the manifest names for housekeeping"
        ) { $0.cores = CoreSet(rawValue: 0b11110) },
        Refusal(reason: .coreAbsent, words: "this machine has no core 2, which belongs to partition \"workload\"") {
            $0.cores = CoreSet(rawValue: 0b11011)
        },
        Refusal(
            reason: .tooLittleMemory, words: "this machine has 2 GiB of memory; the manifest requires 4 GiB"
        ) {
            $0.installedMemory = 2 * gibibyte
            $0.free.remove(MemoryRange(base: 0x1_0000_0000, end: 0x1_8000_0000))
        },
        Refusal(
            reason: .memoryNotFree,
            words: "partition \"workload\" claims 1 GiB of memory at 0x40000000, "
                + "where this machine has no such free memory"
        ) { $0.free.remove(MemoryRange(base: 0x5000_0000, end: 0x5000_1000)) },
        Refusal(
            reason: .noRoomForMemory,
            words: "this machine has no free piece of memory for the 2560 MiB of partition \"control-loop\"",
            manifest: {
                $0.partitions[0].memorySize = 2560 * mebibyte
                $0.partitions[1].memoryBase = 0x1_0000_0000
            }
        ) { _ in },
    ]

    @Test(arguments: refusals) func refused(_ refusal: Refusal) throws {
        let manifest = sample(refusal.manifest)
        try manifest.validate()
        let error = #expect(throws: ManifestError.self) { try manifest.check(against: machine(refusal.machine)) }
        #expect(error?.reason == refusal.reason)
        #expect(error.map { sentence($0, manifest) } == refusal.words)
    }

    @Test func firmwareMayKeepASixteenth() throws {
        var facts = machine { $0.free.remove(MemoryRange(base: 0x1_4000_0000, end: 0x1_8000_0000)) }
        let manifest = sample { $0.partitions[1].memoryBase = 0x1_0000_0000 }
        facts.installedMemory = 4 * gibibyte - 256 * mebibyte
        try manifest.check(against: facts)
        facts.installedMemory = 4 * gibibyte - 272 * mebibyte
        #expect(throws: ManifestError.self) { try manifest.check(against: facts) }
    }

    @Test func freeMemoryMerges() {
        var free = FreeMemory()
        free.add(MemoryRange(base: 0x1000, end: 0x2000))
        free.add(MemoryRange(base: 0x3000, end: 0x4000))
        #expect(free.count == 2)
        free.add(MemoryRange(base: 0x2000, end: 0x3000))
        #expect(free.count == 1)
        #expect(free.ranges[0] == MemoryRange(base: 0x1000, end: 0x4000))
    }

    @Test func theLargestRangesAreKept() {
        var free = FreeMemory()
        for i in 1...200 as ClosedRange<UInt64> { free.add(MemoryRange(base: i << 30, size: i << 21)) }
        #expect(free.count == 64)
        #expect(free.usableBytes == (137...200).reduce(0) { $0 + UInt64($1) << 21 })
    }

    /// Random machines and demands: what is placed is free, aligned, and nowhere shared.
    @Test func plansNeverOverlap() throws {
        var random = SystemRandomNumberGenerator()
        var placedAll = 0
        for _ in 0..<300 {
            var free = FreeMemory()
            var base: UInt64 = 0
            for _ in 0..<Int.random(in: 1...80, using: &random) {
                base += UInt64.random(in: 1...(256 << 20), using: &random)
                let size = UInt64.random(in: 1...(1 << 30), using: &random)
                free.add(MemoryRange(base: base, size: size))
                base += size
            }
            var manifest = Manifest()
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                var partition = PartitionSpec()
                partition.memorySize = UInt64.random(in: 8...700, using: &random) << 21
                manifest.append(partition)
            }
            guard let plan = try? MemoryPlan(manifest, free: free) else { continue }
            placedAll += 1
            for i in 0..<manifest.partitionCount {
                let range = plan.ranges[i]
                #expect(range.size == manifest.partitions[i].memorySize)
                #expect(range.base % Manifest.memoryGranule == 0)
                #expect(free.contains(range))
                for j in 0..<i { #expect(plan.ranges[j].end <= range.base || range.end <= plan.ranges[j].base) }
            }
        }
        #expect(placedAll > 0)
    }
}
