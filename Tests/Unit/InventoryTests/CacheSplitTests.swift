import Manifest
import ManifestFile
import Testing

@testable import Inventory

/// What `plan` makes of caches that partitions share.
@Suite struct CacheSplitTests {
    /// Twelve cores, one thread each; six share a last-level cache.
    private func machine(_ l3: Inventory.Allocation.Cache?) throws -> Inventory {
        let tree = try RecordedTree()
        var inventory = withExtendedLifetime(tree) { Inventory(linux: tree.root) }
        inventory.cores = (0..<12).map { .init(index: $0, package: $0 / 6, core: $0 % 6, thread: 0) }
        inventory.caches = (0..<2).map {
            .init(level: 3, type: "unified", sizeBytes: 30 << 20, ways: 15, cores: Array(6 * $0..<6 * $0 + 6))
        }
        inventory.allocation = .init(l3: l3, monitors: 0, counters: [])
        return inventory
    }
    private let fifteen = Inventory.Allocation.Cache(ways: 15, sharedWays: 0x6000, classes: 15, gaps: false)

    private func plan(_ inventory: Inventory, _ demands: String...) throws -> (Manifest, [String]) {
        let planner = Planner(inventory)
        let manifest = try planner.manifest(name: "m", try demands.map { try PartitionDemand($0) })
        return (manifest, planner.notes(manifest))
    }
    private func ways(_ manifest: Manifest) -> [String?] { manifest.partitionList.map(\.resources.l3.text) }

    @Test func waysFollowCores() throws {
        let inventory = try machine(fifteen)
        // 13 ways are free; housekeeping has one of six cores, and the rest.
        let (manifest, notes) = try plan(
            inventory, "a:cores=3,memory=64M", "b:cores=2,memory=64M", "c:cores=6,memory=64M")
        #expect(manifest.partitionList.map(\.cores.list) == [[1, 2, 3], [4, 5], Array(6..<12)])
        // Nobody else is where `c` is.
        #expect(ways(manifest) == ["6 ways", "4 ways", nil] && notes.isEmpty)
        #expect(inventory.refusal(of: manifest) == nil)
        let picture = ManifestPicture(manifest, on: inventory.facts).text
        #expect(picture.contains("a            ·········██████  6 ways\n"), "\(picture)")
        #expect(picture.contains("b            ·····████······  4 ways\n"))
        #expect(picture.contains("housekeeping █████··········  5 ways with all who ask for nothing\n"))
        #expect(picture.contains("devices      ██·············  2 ways\n"))
        #expect(!picture.contains("of cores 6-11") && !ManifestPicture(manifest).text.contains("Ways"))
    }

    /// Who has cores on both has as many ways in both: the smaller part.
    @Test func aPartitionOnTwoCaches() throws {
        let (manifest, _) = try plan(try machine(fifteen), "a:cores=8,memory=64M", "b:cores=2,memory=64M")
        let cores = manifest.partitionList.map(\.cores.list)
        #expect(cores[0].count == 8 && cores[1].count == 2)
        #expect(try machine(fifteen).refusal(of: manifest) == nil)
        // Five of six cores in one, three of five in the other.
        #expect(ways(manifest) == ["7 ways", "5 ways"])
    }

    @Test func whereNothingIsDivided() throws {
        let demands = ["a:cores=3,memory=64M", "b:cores=2,memory=64M"]
        // Who asks for ways himself has what he asks for, and no more is made up.
        var (manifest, notes) = try plan(try machine(fifteen), demands[0] + ",l3=2 ways", demands[1])
        #expect(ways(manifest) == ["2 ways", nil] && notes.isEmpty)
        (manifest, notes) = try plan(try machine(nil), demands[0], demands[1])
        let shared = "partitions \"a\" and \"b\" share a last-level cache, "
        #expect(ways(manifest) == [nil, nil])
        #expect(notes == [shared + "which this machine cannot divide: each slows the other down"])
        // Two ways, one of which is the rest's; two classes, one of which is.
        for cache in [
            Inventory.Allocation.Cache(ways: 2, sharedWays: 0, classes: 15, gaps: false),
            .init(ways: 15, sharedWays: 0, classes: 2, gaps: false),
        ] {
            (manifest, notes) = try plan(try machine(cache), demands[0], demands[1])
            #expect(ways(manifest) == [nil, nil])
            #expect(notes == [shared + "whose ways are not divided among them: each slows the other down"])
        }
        var unknown = try machine(nil)
        unknown.allocation = nil
        #expect(try plan(unknown, demands[0], demands[1]).1.first?.contains("is not known") == true)
        // Alone with housekeeping: half for each, rounded down, and none of what devices fill.
        #expect(try ways(plan(machine(fifteen), "a:cores=1,memory=64M").0) == ["6 ways"])
    }
}
