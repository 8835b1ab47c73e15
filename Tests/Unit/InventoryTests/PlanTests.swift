import Foundation
import Inventory
import Manifest
import ManifestFile
import Testing

@Suite struct PlanTests {
    let tree: RecordedTree
    let inventory: Inventory

    init() throws {
        tree = try RecordedTree()
        inventory = Inventory(linux: tree.root)
    }

    func plan(_ demands: String..., housekeeping: Int = 0) throws -> Manifest {
        try Planner(inventory, housekeeping: housekeeping).manifest(
            name: "rack7", try demands.map { try PartitionDemand($0) })
    }

    func refusal(_ demands: String..., sourceLocation: SourceLocation = #_sourceLocation) -> String {
        do {
            _ = try Planner(inventory).manifest(name: "rack7", try demands.map { try PartitionDemand($0) })
        } catch { return "\(error)" }
        Issue.record("not refused", sourceLocation: sourceLocation)
        return ""
    }

    @Test func threadsStayTogether() throws {
        // Cores n and n + 4 are threads of one physical core; 0, 1, 4, 5 are package 0. 0 is for housekeeping.
        let manifest = try plan("rt:cores=1,memory=512M", "work:cores=4,memory=1G", "log:cores=1,memory=64M")
        let cores = manifest.partitionList.map(\.cores.list)
        #expect(cores[1] == [2, 3, 6, 7])
        #expect(cores[0] == [1])
        // What is left beside housekeeping is its own physical core: the housekeeping core itself.
        #expect(cores[2] == [0])
        let again = try parseManifest(manifestYAML(manifest), file: "plan.yaml", images: .unchecked)
        #expect(again.partitionList.map(\.cores.list) == cores)
        #expect(again.machineMemory == 1600 << 20 && again.machineCores == 8)
    }

    @Test func oneCacheThenOnePackageThenAnywhere() throws {
        #expect(try plan("a:cores=2,memory=64M").partitions[0].cores.list == [1, 5])
        #expect(try plan("a:cores=3,memory=64M").partitions[0].cores.list == [2, 3, 6])
        #expect(try plan("a:cores=6,memory=64M").partitions[0].cores.count == 6)
        #expect(try plan("a:cores=8,memory=64M").partitions[0].cores.list == Array(0..<8))
        #expect(try plan("a:cores=4,memory=64M", housekeeping: 2).partitions[0].cores.list == [0, 1, 4, 5])
    }

    @Test func devices() throws {
        let manifest = try plan(
            "a:memory=512M,device=01:00.0,virtual-functions=2,device=01:10.0",
            "b:memory=512M,device=02:00.0,device=02:00.1,reset=none,device=01:10.2,kernel=vmlinux-rt,initrd=b.cpio")
        let first = manifest.partitions[0].devices.list, second = manifest.partitions[1].devices.list
        #expect(first[0].identifier == "8086:10c9" && first[0].virtualFunctions == 2)
        #expect(first[1].address.text == "01:10.0")
        #expect(second.map(\.address.text) == ["02:00.0", "02:00.1", "01:10.2"])
        #expect(second[0].identifier == "144d:a808" && second[1].acceptsNoReset && !second[0].acceptsNoReset)
        #expect(manifest.partitions[1].image.string == "vmlinux-rt" && manifest.partitions[1].initrd.string == "b.cpio")
    }

    /// What is not said is such that the plan boots the checkout's own guests and can be managed.
    @Test func whatIsNotSaid() throws {
        let manifest = try plan(
            "a:memory=512M,device=01:00.0", "b:memory=512M,kernel=mine", "c:memory=512M,permit=none")
        #expect(manifest.link == .serial)
        let (a, b, c) = (manifest.partitions[0], manifest.partitions[1], manifest.partitions[2])
        #expect(a.image.string == "vmlinux-cloud" && a.initrd.string == "workload.cpio")
        #expect(a.permits == .all && a.onCrash == .restart && a.console && a.autostart)
        #expect(a.commandLine.string.contains("console=ttyS0") && !a.commandLine.string.contains("pci=off"))
        // As of a file that says nothing of it.
        #expect(a.virtio == .console && b.virtio.isEmpty)
        #expect(b.commandLine.string.contains("pci=off") && b.image.string == "mine" && b.initrd.isEmpty)
        #expect(c.permits.isEmpty)
        // Two of them are in one package, of which nothing tells how its cache can be divided.
        #expect(
            Planner(inventory).notes(manifest) == [
                "partitions \"b\" and \"c\" share a last-level cache, whether it can be divided is not known: each slows the other down"
            ])
    }

    @Test func whatIsSaidForAllOrForOne() throws {
        var defaults = PartitionDemand.Defaults()
        let startStop = try PartitionDemand.permits(["start", "stop"])
        (defaults.permits, defaults.onCrash) = (startStop, .stop)
        defaults.commandLine = "quiet"
        let one = try PartitionDemand("a:memory=64M", defaults).spec
        #expect(one.permits == startStop && one.onCrash == .stop && one.commandLine.string == "quiet")
        let other = try PartitionDemand(
            "a:memory=64M,permit=start+console-read,on-crash=restart,command-line=console=ttyS0 isolcpus=1,2 cores=2",
            defaults
        ).spec
        #expect(other.permits.nameList == ["start", "console-read"] && other.onCrash == .restart)
        #expect(other.commandLine.string == "console=ttyS0 isolcpus=1,2 cores=2")
        let error = #expect(throws: PartitionDemand.Malformed.self) { try PartitionDemand("a:memory=64M,permit=stopp") }
        #expect(error?.description.contains("did you mean \"stop\"?") == true)
    }

    /// The housekeeping core is given away last, and then it is said.
    @Test func theHousekeepingCoreIsSharedWithANote() throws {
        let manifest = try plan("a:cores=8,memory=64M")
        let notes = Planner(inventory).notes(manifest)
        #expect(notes.count == 1 && notes[0].hasPrefix("partition \"a\" shares core 0 with housekeeping"))
    }

    /// `check --machine` says what the boot would say.
    @Test func aManifestIsHeldAgainstAMachine() throws {
        let manifest = try plan("a:memory=512M,device=01:00.0")
        #expect(inventory.refusal(of: manifest) == nil)
        var smaller = inventory
        smaller.functions.removeAll { $0.address == "01:00.0" }
        #expect(smaller.refusal(of: manifest) == "function 01:00.0 of partition \"a\" is not in this machine")
        var odd = inventory
        odd.functions[2].problem = "it interrupts by a pin alone"
        #expect(
            odd.refusal(of: manifest)
                == "function 01:00.0 of partition \"a\" cannot be owned: it interrupts by a pin alone")
    }

    /// Each gets what it asked for, or all are refused: also on a machine with more cores than a manifest has numbers for.
    @Test(arguments: [40, 64, 72, 96]) func nobodyGetsLess(cores: Int) throws {
        var large = inventory
        let one = try #require(large.cores.first)
        large.cores = (0..<cores).map { index in
            var core = one
            (core.index, core.core, core.thread) = (index, index, 0)
            return core
        }
        large.caches = []
        let demands = try (1...5).map { try PartitionDemand("p\($0):cores=14,memory=64M") }
        do throws(Planner.Refused) {
            let manifest = try Planner(large).manifest(name: "large", demands)
            #expect(manifest.partitionList.map(\.cores.count) == Array(repeating: 14, count: 5))
        } catch {
            #expect(error.description.contains("needs 14 cores; ") && (cores < 70 || cores > 64), "\(error)")
        }
    }

    /// Whatever a host is called, the machine's name is one that the rules accept.
    @Test(
        arguments: [
            ("rack7.example.org", "rack7"), ("Rack_7", "rack-7"), ("7rack", "rack"), ("", "machine"), ("42", "machine"),
            ("bücher", "b-cher"), (String(repeating: "a", count: 40), String(repeating: "a", count: 31)),
        ]) func hostNames(host: String, name: String) throws
    {
        var named = inventory
        named.name = host
        #expect(named.machineName == name)
        let demand = try PartitionDemand("a:memory=64M")
        #expect(try Planner(named).manifest(name: named.machineName, [demand]).name.string == name)
    }

    @Test func refusals() throws {
        #expect(
            refusal("a:memory=64M,device=05:00.0") == "function 05:00.0 of partition \"a\" is not in this machine")
        #expect(
            refusal("a:memory=64M,device=02:00.0", "b:memory=64M,device=02:00.1,reset=none")
                == "function 02:00.0 of partition \"a\" can only be reset together with its bus, and with it 02:00.1 of "
                + "partition \"b\"")
        #expect(
            refusal("a:memory=64M,device=02:00.1") == "function 02:00.1 of partition \"a\" cannot be reset between two "
                + "guests; \"reset: none\" would accept that")
        #expect(
            refusal("a:memory=64M,device=00:01.0")
                == "function 00:01.0 of partition \"a\" is part of the machine itself (a bridge or an IOMMU): "
                + "nobody can own it")
        #expect(
            refusal("a:memory=64M,device=01:10.0") == "function 01:10.0 of partition \"a\" exists only if function "
                + "01:00.0 belongs to a partition, with virtual-functions: 1 or more")
        #expect(refusal("a:memory=900G").hasPrefix("this machine has "))
        #expect(
            refusal("a:cores=7,memory=64M", "b:cores=2,memory=64M")
                == "partition \"b\" needs 2 cores; 0 are left, since threads of one physical core are not split "
                + "between partitions")
        #expect(refusal("a:memory=64M", "a:memory=64M") == "partitions number 1 and 2 have the same name \"a\"")
        #expect(refusal("Big:memory=64M").hasPrefix("the name of partition \"Big\" has the character 'B'"))
    }

    @Test(
        arguments: [
            ("a", "is not NAME:cores=1,memory=512M,device=00:03.0"), (":memory=1G", "is not NAME:"),
            ("a:cores=1", "there is no memory; add memory=512M"),
            ("a:memory=1G,cores=0", "\"0\" is not a number of cores; write 1 to 16"),
            ("a:memory=1GB", "may mean powers of ten or of two"),
            ("a:memory=1G,device=3.0", "did you mean 00:03.0?"),
            ("a:memory=1G,core=1", "\"core=1\" is not KEY=VALUE with a known key; did you mean \"cores\"?"),
            ("a:memory=1G,virtual-functions=1", "belongs behind a device"),
            ("a:memory=1G,device=00:03.0,reset=bus", "\"bus\" is not a reset"),
            ("a:memory=1G,accept=all", "write split-smt"),
        ]) func malformed(text: String, words: String)
    {
        let error = #expect(throws: PartitionDemand.Malformed.self) { try PartitionDemand(text) }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }
}
