import Control
import ControlClient
import LibvirtWire
import NIOCore

/// Statistics of domains, from the hypervisor's counters.
enum StatisticsProcedures {
    /// `virDomainStatsTypes`: the groups that there are.
    private struct Groups {
        let flags: UInt32
        init(_ flags: UInt32) { self.flags = flags == 0 ? .max : flags }
        var state: Bool { flags & 1 != 0 }
        var processor: Bool { flags & 2 != 0 }
        var memory: Bool { flags & 4 != 0 }
        var vcpus: Bool { flags & 8 != 0 }
    }

    static func add(to table: inout DaemonTable) {
        table.add("connect_get_all_domain_stats", .read) { client, call in
            // Each domain once; a machine has few.
            let named = try call.arguments.array(max: 64, least: 24) { (reader) throws(XDRError) in
                try WireDomain(&reader)
            }
            let groups = Groups(try call.arguments.uint32()), flags = try call.arguments.uint32()
            guard Set(named.map(\.uuid)).count == named.count else {
                throw RemoteError(.invalidArgument, "connect_get_all_domain_stats: a domain is named twice")
            }
            let chosen =
                try named.isEmpty
                ? client.domains.filter { DomainFilter(flags & 0xFF).takes($0) } : named.map { try client.domain($0) }
            answer(call, client, chosen, groups)
        }
    }

    /// The exits of those that run and permit it are fetched; then all is answered.
    private static func answer(_ call: RemoteCall, _ client: ClientConnection, _ domains: [Domain], _ groups: Groups) {
        let names = domains.filter { groups.vcpus && $0.isActive && $0.info.permits.contains(.statistics) }.map(
            \.partition)
        guard !names.isEmpty else { return reply(call, domains, [:], groups) }
        let fetched = client.daemon.link.ask(client.daemon.loop, client.readKind) { (remote) throws(LinkError) in
            try remote.statistics(of: names, within: .seconds(Limits.changeSeconds))
        }
        fetched.assumeIsolated().whenComplete { result in
            switch result {
            case .success(let found): reply(call, domains, found, groups)
            case .failure(let error): call.fail(Daemon.remote(error))
            }
        }
    }

    private static func reply(
        _ call: RemoteCall, _ domains: [Domain], _ found: [String: PartitionStatistics], _ groups: Groups
    ) {
        call.reply { writer in
            writer.array(domains) { writer, domain in
                domain.wire.write(&writer)
                let parameters = parameters(domain, found[domain.partition], groups)
                writer.array(parameters) { $1.write(&$0) }
            }
        }
    }

    private static func parameters(
        _ domain: Domain, _ statistics: PartitionStatistics?, _ groups: Groups
    ) -> [TypedParameter] {
        let cores = domain.info.coreList, time = domain.info.uptimeNanoseconds
        var list: [TypedParameter] = []
        if groups.state {
            list.append(.init("state.state", .int(domain.state.state)))
            list.append(.init("state.reason", .int(domain.state.reason)))
        }
        if groups.processor, domain.isActive { list.append(.init("cpu.time", .ullong(domain.info.processorTime))) }
        if groups.memory {
            list.append(.init("balloon.current", .ullong(domain.info.memory >> 10)))
            list.append(.init("balloon.maximum", .ullong(domain.info.memory >> 10)))
        }
        guard groups.vcpus else { return list }
        list.append(.init("vcpu.current", .uint(UInt32(cores.count))))
        list.append(.init("vcpu.maximum", .uint(UInt32(cores.count))))
        guard domain.isActive else { return list }
        for vcpu in cores.indices {
            list.append(.init("vcpu.\(vcpu).state", .int(1)))
            list.append(.init("vcpu.\(vcpu).time", .ullong(time)))
            guard let statistics, statistics.vcpus.indices.contains(vcpu) else { continue }
            let exits = statistics.vcpus[vcpu]
            list.append(.init("vcpu.\(vcpu).exits.sum", .ullong(exits.total)))
            for reason in ExitReason.all {
                list.append(.init("vcpu.\(vcpu).exits.\(reason.name).sum", .ullong(exits[reason])))
            }
        }
        return list
    }
}
