import Control
import ControlClient
@testable import Daemon
import Inventory
import LibvirtWire
import Testing

@Suite struct DomainTests {
    private func domain(_ state: PartitionState, _ cause: StateCause = .manifest) -> Domain {
        var info = PartitionInfo()
        (info.state, info.cause) = (state, cause)
        info.cores = .init(rawValue: 0b1101)
        info.memory = 64 << 20
        return Domain(uuid: .named("m", "a"), partition: "a<b", info)
    }

    @Test func aLifeInEvents() {
        let domain = domain(.stopped)
        #expect(!domain.isActive && domain.state.reason == 0)
        #expect(domain.take(.starting, .manager) == [])
        #expect(domain.isActive)
        #expect(domain.take(.running, .manager) == [.lifecycle(.started)])
        #expect(domain.take(.running, .manager) == [])
        #expect(domain.take(.paused, .manager) == [.lifecycle(.suspended)])
        #expect(domain.take(.running, .manager) == [.lifecycle(.resumed)])
        #expect(domain.state == LibvirtState(.running, .manager, wasPaused: true))
        // A reboot: it never stopped.
        #expect(domain.take(.stopping, .reboot) == [])
        #expect(domain.take(.starting, .reboot) == [])
        #expect(domain.take(.running, .reboot) == [.rebooted])
        #expect(domain.take(.stopping, .poweroff) == [])
        #expect(domain.state.state == LibvirtState.shutDown)
        #expect(domain.take(.stopped, .poweroff) == [.lifecycle(.stopped(.poweroff))])
        #expect(!domain.isActive && domain.state.reason == 1)
        #expect(domain.take(.starting, .manager) == [] && domain.take(.running, .manager) == [.lifecycle(.started)])
        #expect(domain.take(.crashed, .panic) == [.lifecycle(.stopped(.panic))])
        #expect(domain.state.state == LibvirtState.shutOff && domain.state.reason == 3)
    }

    @Test func details() {
        #expect(LifecycleEvent.stopped(.poweroff) == LifecycleEvent(event: 5, detail: 0))
        #expect(LifecycleEvent.stopped(.manager) == LifecycleEvent(event: 5, detail: 1))
        #expect(LifecycleEvent.stopped(.tripleFault) == LifecycleEvent(event: 5, detail: 2))
    }

    @Test func xmlNamesItsCoresAndEscapesItsName() {
        let text = DomainXML.text(of: domain(.stopped))
        #expect(text.contains("<name>a&lt;b</name>"))
        #expect(text.contains("<vcpu placement='static' cpuset='0,2-3'>3</vcpu>"))
        #expect(text.contains("<vcpupin vcpu='1' cpuset='2'/>"))
        #expect(text.contains("<memory unit='KiB'>65536</memory>") && !text.contains(" id="))
        // Without the permission to read it there is no console.
        #expect(!text.contains("<console"))
    }

    @Test func filters() {
        let off = domain(.stopped), on = domain(.running)
        for (flags, wanted) in [
            (0, [off, on]), (1, [on]), (2, [off]), (3, [off, on]), (16, [on]), (64, [off]), (1 | 32, []), (8, []),
            (4, [off, on]), (512, [off, on]), (1024, []),
        ] as [(UInt32, [Domain])] {
            let found = [off, on].filter { DomainFilter(flags).takes($0) }
            #expect(found.map(\.isActive) == wanted.map(\.isActive), "\(flags)")
        }
    }

    @Test func coreTexts() {
        #expect(CoreText.list([]) == "" && CoreText.list([1]) == "1" && CoreText.list([0, 1, 3, 5, 6]) == "0-1,3,5-6")
        #expect(CoreText.map([0, 9], count: 10) == [1, 2])
        #expect(CoreText.map([9], count: 8) == [0])
        // No core has such a number; a machine may tell it all the same.
        #expect(CoreText.map([-1, .max, .min], count: 8) == [0])
        #expect(CoreText.list([.max, .max, 1]) == "\(Int.max),\(Int.max),1")
    }

    /// A machine that tells numbers beyond what arithmetic holds ends nothing.
    @Test func numbersOfTheMachinesDoNotTrap() throws {
        var info = MemoryMachine.info("huge", cores: .max, memory: .max, .running)
        info.uptimeMicroseconds = .max
        #expect(info.processorTime == .max && info.coreList.count == 64)
        var machine = MemoryMachine.named("m")
        (machine.cores, machine.memory, machine.hypervisorMemory) = (.max, 1, .max)
        machine.version = label("18446744073709551615.1000.9")
        #expect(machine.coreCount == 1024)
        #expect(ConnectProcedures.number(machine.version.string) == 999_999_009)
        machine.cores = -1
        #expect(machine.coreCount == 0)
        machine.cores = .max
        // Two cores that cannot be: the same, of a package beyond what is counted.
        let cores = [InventoryItem](repeating: InventoryItem(.core, [.max, .max, .max, .max]), count: 2)
        let many = (0..<2000).map { InventoryItem(.core, [UInt64($0 % 1500), 0, 0, 0]) }
        #expect(MachineTopology(machine, Inventory(name: "m", many)).cores.count == 1024)
        let bench = try DaemonBench([info], isUp: false), client = try bench.client()
        bench.daemon.take(.up(machine, cores, [info]))
        let wire = try #require(bench.daemon.machine.domain(partition: "huge")).wire
        for name in ["domain_get_info", "domain_get_max_memory", "domain_get_state"] {
            #expect(try client.call(name) { wire.write(&$0) }?.code == 0, "\(name)")
        }
        for name in [
            "node_get_info", "node_get_free_memory", "connect_get_version", "connect_get_capabilities",
            "connect_get_hostname", "connect_num_of_domains",
        ] { #expect(try client.call(name)?.code == 0, "\(name)") }
        #expect(try client.call("connect_get_max_vcpus") { $0.optionalString(nil) }?.code == 0)
        let map = try client.call("node_get_cpu_map") { writer in
            writer.bool(true)
            writer.bool(true)
        }
        // 1024 bits with their length, and two numbers.
        #expect(map?.code == 0 && map?.packet.payload.count == 4 + 128 + 8)
        let xml = try client.call("domain_get_xml_desc") { writer in
            wire.write(&writer)
            writer.uint32(0)
        }
        #expect(xml?.code == 0)
        for (first, most, code) in [(0, 1, 0), (0, 64, 0), (1, 1, 8), (0, 0, 8), (-1, .max, 8)]
            as [(Int32, Int32, Int32)]
        {
            let free = try client.call("node_get_cells_free_memory") { writer in
                writer.int32(first)
                writer.int32(most)
            }
            #expect(free?.code == code, "\(first) \(most)")
        }
        // How many the guest uses only somebody within it knows.
        for (flags, code) in [(0, 0), (1, 0), (4, 0), (9, 84)] as [(UInt32, Int32)] {
            let count = try client.call("domain_get_vcpus_flags") { writer in
                wire.write(&writer)
                writer.uint32(flags)
            }
            #expect(count?.code == code, "\(flags)")
        }
        let vcpus = try client.call("domain_get_vcpus") { writer in
            wire.write(&writer)
            writer.int32(.max)
            writer.int32(.max)
        }
        #expect(vcpus?.code == 0)
        // Exits that together are more than a counter holds.
        bench.machine.with { machine in for reason in ExitReason.all { machine.counters[reason] = .max } }
        try client.call("connect_get_all_domain_stats") { writer in
            writer.uint32(0)
            writer.uint32(0)
            writer.uint32(0)
        }
        bench.work()
        #expect(client.answer?.code == 0 && client.answer?.text.contains("exits.sum") == true)
    }

    @Test func versions() {
        #expect(ConnectProcedures.number("1.2.3") == 1_002_003)
        #expect(ConnectProcedures.number("0.4") == 4000 && ConnectProcedures.number("x") == 0)
    }
}
