import LibvirtWire

/// Lists of domains and other things, and looking them up.
enum ListProcedures {
    static func add(to table: inout DaemonTable) {
        table.add("connect_list_all_domains", .read) { client, call in
            let needsResults = try call.arguments.bool(), flags = try call.arguments.uint32()
            let found = client.domains.filter { DomainFilter(flags).takes($0) }
            call.reply { writer in
                writer.array(needsResults ? found : []) { $1.wire.write(&$0) }
                writer.uint32(UInt32(found.count))
            }
        }
        table.add("connect_num_of_domains", .read) { client, call in
            let count = client.domains.count { $0.isActive }
            call.reply { $0.int32(Int32(count)) }
        }
        table.add("connect_list_domains", .read) { client, call in
            let most = Int(try call.arguments.int32())
            let ids = client.domains.filter(\.isActive).map(\.id).prefix(max(most, 0))
            call.reply { $0.array(ids) { $0.int32($1) } }
        }
        table.add("connect_num_of_defined_domains", .read) { client, call in
            let count = client.domains.count { !$0.isActive && $0.isPersistent }
            call.reply { $0.int32(Int32(count)) }
        }
        table.add("connect_list_defined_domains", .read) { client, call in
            let most = Int(try call.arguments.int32())
            let names = client.domains.filter { !$0.isActive }.map(\.name).prefix(max(most, 0))
            call.reply { $0.array(names) { $0.string($1) } }
        }
        table.add("domain_lookup_by_name", .read) { client, call in
            let name = try call.arguments.string()
            try answer(call, client, "name \(name.quoted)") { $0.name == name }
        }
        table.add("domain_lookup_by_uuid", .read) { client, call in
            let uuid = try WireUUID(&call.arguments)
            try answer(call, client, "uuid '\(uuid)'") { $0.uuid == uuid }
        }
        table.add("domain_lookup_by_id", .read) { client, call in
            let id = try call.arguments.int32()
            try answer(call, client, "id '\(id)'") { $0.isActive && $0.id == id }
        }
        // What this machine does not have: empty lists.
        for kind in [
            "networks", "storage_pools", "interfaces", "nwfilters", "secrets", "nwfilter_bindings",
        ] {
            table.add("connect_list_all_\(kind)", .read, ofDomains: false) { _, call in
                call.reply { writer in
                    writer.uint32(0)
                    writer.uint32(0)
                }
            }
        }
    }

    private static func answer(
        _ call: RemoteCall, _ client: ClientConnection, _ what: String, where isIt: (Domain) -> Bool
    ) throws {
        guard let domain = client.domains.first(where: isIt) else {
            throw RemoteError(.noDomain, "Domain not found: no domain with matching \(what)")
        }
        call.reply { domain.wire.write(&$0) }
    }
}

/// `virConnectListAllDomainsFlags`: groups of bits; of each group that has one set, a domain must match one.
struct DomainFilter {
    private let flags: UInt32

    init(_ flags: UInt32) { self.flags = flags }

    func takes(_ domain: Domain) -> Bool {
        let state = domain.state.state
        return matches(0, [domain.isActive, !domain.isActive])
            && matches(2, [domain.isPersistent, !domain.isPersistent])
            && matches(
                4,
                [
                    state == LibvirtState.running, state == LibvirtState.paused, state == LibvirtState.shutOff,
                    state == LibvirtState.shutDown || state == LibvirtState.crashed,
                ])
            && matches(10, [domain.autostart, !domain.autostart])
            // No saved images, no snapshots, no checkpoints.
            && matches(8, [false, true]) && matches(12, [false, true])
            && matches(14, [false, true])
    }

    /// - Parameter facts: what is true of the domain, for the bits from `first` on.
    private func matches(_ first: Int, _ facts: [Bool]) -> Bool {
        let wanted = facts.indices.filter { flags & 1 << UInt32(first + $0) != 0 }
        return wanted.isEmpty || wanted.contains { facts[$0] }
    }
}
