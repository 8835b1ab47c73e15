import Control
import LibvirtWire

/// Defining domains, undefining them, and starting them with the machine.
enum DefineProcedures {
    /// `virDomainCreateFlags` that change nothing here: force boot, validate, reset NVRAM.
    private static let harmless: UInt32 = 8 | 16 | 32

    static func add(to table: inout DaemonTable) {
        table.add("domain_define_xml", .change) { client, call in
            try define(try call.arguments.string(), client, call)
        }
        table.add("domain_define_xml_flags", .change) { client, call in
            let xml = try call.arguments.string(), flags = try call.arguments.uint32()
            // 1: validate, which is done in any case.
            guard flags & ~1 == 0 else { throw LifecycleProcedures.unknownFlags("domain_define_xml_flags", flags) }
            try define(xml, client, call)
        }
        table.add("domain_create_xml", .change) { client, call in
            let xml = try call.arguments.string(), flags = try call.arguments.uint32()
            guard flags & ~harmless == 0 else { throw LifecycleProcedures.unknownFlags("domain_create_xml", flags) }
            try create(xml, client, call)
        }
        table.add("domain_undefine", .change) { client, call in
            let domain = try client.daemon.machine.domain(try WireDomain(&call.arguments))
            try undefine(domain, client, call)
        }
        table.add("domain_undefine_flags", .change) { client, call in
            let domain = try client.daemon.machine.domain(try WireDomain(&call.arguments))
            // Saved images, snapshots, NVRAM, checkpoints, TPM: there is nothing of the kind that could be left.
            _ = try call.arguments.uint32()
            try undefine(domain, client, call)
        }
        table.add("domain_set_autostart", .change) { client, call in
            let domain = try client.daemon.machine.domain(try WireDomain(&call.arguments))
            let isWanted = try call.arguments.bool()
            // What the daemon does for somebody later he may do himself.
            if isWanted { try client.require(.start, on: domain.partition, call) }
            call.reason = [call.reason, isWanted ? "on" : "off"].compactMap(\.self).joined(separator: ", ")
            try client.begin(call, domain.name, in: domain.partition)
            guard domain.isPersistent else {
                throw RemoteError(.operationInvalid, "cannot set autostart for transient domain")
            }
            try client.daemon.change([DomainUpdate(domain, domain.origin, autostart: isWanted)])
            call.reply()
        }
    }

    private static func read(
        _ xml: String, _ client: ClientConnection, _ call: RemoteCall, isMove: Bool
    ) throws -> (DomainDefinition, Domain) {
        _ = try client.daemon.machineInfo()
        let definition = try DomainDefinition(xml) { name in client.domains.first { $0.name == name }?.uuid }
        return (definition, try client.place(definition, isMove: isMove, call))
    }

    private static func define(_ xml: String, _ client: ClientConnection, _ call: RemoteCall) throws {
        let (definition, domain) = try read(xml, client, call, isMove: true)
        let daemon = client.daemon
        // Its autostart is the domain's, wherever it was.
        let old = daemon.machine.domains.first { $0.uuid == definition.uuid }
        if let old, old !== domain {
            guard client.sees(old.partition) else { throw client.isTaken(definition) }
            try client.require(.define, on: old.partition, call)
            if old.autostart { try client.require(.start, on: domain.partition, call) }
        }
        try client.begin(call, definition.name, in: domain.partition)
        var changes = [
            DomainUpdate(domain, .defined(definition), autostart: old?.autostart ?? false, isDefinition: true)
        ]
        // A definition that names another partition than before leaves the one that it had.
        if let old, old !== domain {
            guard !old.isActive, !old.isBeingCreated else {
                throw DefinitionRules.refusal(
                    "domain/resource/partition",
                    "'\(old.name)' is running in partition '\(old.partition)', or is being started there")
            }
            changes.append(DomainUpdate(old, .none, autostart: false))
        }
        let isNew = !domain.isDefined
        try daemon.change(changes)
        daemon.tell(domain, .lifecycle(isNew ? .defined : .updated))
        call.reply { domain.wire.write(&$0) }
    }

    private static func create(_ xml: String, _ client: ClientConnection, _ call: RemoteCall) throws {
        let (definition, domain) = try read(xml, client, call, isMove: false)
        try client.begin(call, definition.name, in: domain.partition)
        guard !domain.isActive else {
            throw RemoteError(
                .operationInvalid, "Requested operation is not valid: domain '\(domain.name)' is already active")
        }
        guard !domain.isBeingCreated else {
            throw RemoteError(
                .operationInvalid, "Requested operation is not valid: domain '\(domain.name)' is being started")
        }
        if let refusal = domain.refusal(isDefinition: true) { throw refusal }
        let before = domain.origin, wasDefined = domain.isDefined
        // A persistent domain keeps its definition: what is started has the same name and fits the same partition.
        if wasDefined {
            if let fault = domain.startFault { throw fault }
        } else {
            domain.origin = .transient(definition)
        }
        domain.isBeingCreated = true
        client.daemon.change(.start, domain) { result in
            domain.isBeingCreated = false
            switch result {
            case .success: call.reply { domain.wire.write(&$0) }
            case .failure(let error):
                // What somebody has defined meanwhile, or has undefined, is saved so and stays.
                if !wasDefined, case .transient = domain.origin, !domain.isActive { domain.origin = before }
                call.fail(error)
            }
        }
    }

    private static func undefine(_ domain: Domain, _ client: ClientConnection, _ call: RemoteCall) throws {
        guard domain.isPersistent else {
            throw RemoteError(.operationInvalid, "cannot undefine transient domain")
        }
        let wire = domain.wire
        let left = domain.isActive ? Domain.Origin.transient(domain.definition) : .none
        try client.daemon.change([DomainUpdate(domain, left, autostart: false)])
        client.daemon.tell(domain, .lifecycle(.undefined), as: wire)
        call.reply()
    }
}
