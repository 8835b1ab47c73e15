import Control
import Inventory
import LibvirtWire

/// Of the machine: what it is and what it can do.
enum NodeProcedures {
    static func add(to table: inout DaemonTable) {
        table.add("connect_get_capabilities", .read, ofDomains: false) { client, call in
            let info = try client.daemon.machineInfo()
            let text = CapabilitiesXML.text(info, client.daemon.machine.inventory)
            call.reply { $0.string(text) }
        }
        table.add("connect_get_max_vcpus", .read) { client, call in
            _ = try call.arguments.optionalString()
            let most = client.daemon.machine.partitions.map { $0.info.coreList.count }.max() ?? 0
            call.reply { $0.int32(Int32(most)) }
        }
        table.add("node_get_info", .read, ofDomains: false) { client, call in
            let info = try client.daemon.machineInfo()
            let topology = MachineTopology(info, client.daemon.machine.inventory)
            call.reply { writer in
                writer.characters("x86_64", count: 32)
                writer.uint64(info.memory >> 10)
                writer.int32(Int32(topology.cores.count))
                // Cores run at their own speed, which the machine does not tell.
                writer.int32(0)
                writer.int32(1)
                writer.int32(Int32(topology.packages))
                writer.int32(Int32(topology.coresPerPackage))
                writer.int32(Int32(topology.threadsPerCore))
            }
        }
        table.add("node_get_free_memory", .read) { client, call in
            let free = try freeMemory(client.daemon)
            call.reply { $0.uint64(free) }
        }
        // All memory is one cell's.
        table.add("node_get_cells_free_memory", .read) { client, call in
            let first = try call.arguments.int32(), most = try call.arguments.int32()
            guard first == 0, most > 0 else {
                throw RemoteError(.invalidArgument, "this machine has one cell of memory, number 0")
            }
            let free = try freeMemory(client.daemon)
            call.reply { $0.array([free]) { $0.uint64($1) } }
        }
        table.add("node_get_cpu_map", .read, ofDomains: false) { client, call in
            let needsMap = try call.arguments.bool(), needsOnline = try call.arguments.bool()
            let cores = try client.daemon.machineInfo().coreCount
            call.reply { writer in
                writer.opaque(needsMap ? CoreText.map(Array(0..<cores), count: cores) : [])
                writer.uint32(needsOnline ? UInt32(cores) : 0)
                writer.int32(Int32(cores))
            }
        }
    }

    /// Bytes that no partition and not the hypervisor has.
    private static func freeMemory(_ daemon: Daemon) throws -> UInt64 {
        let info = try daemon.machineInfo()
        let taken = daemon.machine.partitions.reduce(info.hypervisorMemory) { $0.clampedPlus($1.info.memory) }
        return info.memory > taken ? info.memory - taken : 0
    }
}

/// Packages, cores and threads, of the machine's inventory.
struct MachineTopology {
    struct Core {
        var index: Int, package: Int, core: Int, thread: Int
    }

    private(set) var cores: [Core]

    init(_ info: MachineInfo, _ inventory: Inventory) {
        // One of each number: lists of them stay short.
        var known: Set<Int> = []
        cores = inventory.cores.filter { $0.index < MachineInfo.mostCores && known.insert($0.index).inserted }.map {
            Core(index: $0.index, package: $0.package, core: $0.core, thread: $0.thread)
        }
        if cores.isEmpty { cores = (0..<info.coreCount).map { Core(index: $0, package: 0, core: $0, thread: 0) } }
    }

    var packages: Int { max(Set(cores.map(\.package)).count, 1) }
    var threadsPerCore: Int {
        Dictionary(grouping: cores) { [$0.package, $0.core] }.values.map(\.count).max() ?? 1
    }
    var coresPerPackage: Int {
        Dictionary(grouping: cores, by: \.package).values.map { Set($0.map(\.core)).count }.max() ?? 1
    }
}
