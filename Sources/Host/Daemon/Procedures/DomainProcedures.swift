import LibvirtWire

/// What a domain is and does.
enum DomainProcedures {
    static func add(to table: inout DaemonTable) {
        add("domain_get_info", &table) { domain, call in
            call.reply { writer in
                writer.uint32(UInt32(domain.state.state))
                writer.uint64(domain.info.memory >> 10)
                writer.uint64(domain.info.memory >> 10)
                writer.uint32(UInt32(domain.info.coreList.count))
                writer.uint64(domain.info.processorTime)
            }
        }
        add("domain_get_state", &table) { domain, call in
            call.reply { writer in
                writer.int32(domain.state.state)
                writer.int32(domain.state.reason)
            }
        }
        add("domain_get_xml_desc", &table) { domain, call in
            // VIR_DOMAIN_XML_INACTIVE
            let isInactive = try call.arguments.uint32() & 2 != 0
            let text = DomainXML.text(of: domain, inactive: isInactive)
            call.reply { $0.string(text) }
        }
        add("domain_get_os_type", &table) { _, call in call.reply { $0.string("hvm") } }
        add("domain_is_active", &table) { domain, call in call.reply { $0.bool(domain.isActive) } }
        add("domain_is_persistent", &table) { domain, call in call.reply { $0.bool(domain.isPersistent) } }
        add("domain_is_updated", &table) { _, call in call.reply { $0.bool(false) } }
        add("domain_get_autostart", &table) { domain, call in call.reply { $0.bool(domain.autostart) } }
        add("domain_get_max_memory", &table) { domain, call in call.reply { $0.uint64(domain.info.memory >> 10) } }
        for name in ["domain_has_managed_save_image", "domain_snapshot_num", "domain_has_current_snapshot"] {
            add(name, &table) { _, call in call.reply { $0.int32(0) } }
        }
        for name in ["domain_list_all_snapshots", "domain_list_all_checkpoints"] {
            add(name, &table) { _, call in
                call.reply { writer in
                    writer.uint32(0)
                    writer.int32(0)
                }
            }
        }
        add("domain_get_messages", &table) { _, call in call.reply { $0.uint32(0) } }
        add("domain_get_control_info", &table) { _, call in
            call.reply { writer in
                writer.uint32(0)
                writer.uint32(0)
                writer.uint64(0)
            }
        }
        addVCPUs(to: &table)
    }

    private static func addVCPUs(to table: inout DaemonTable) {
        add("domain_get_max_vcpus", &table) { domain, call in
            call.reply { $0.int32(Int32(domain.info.coreList.count)) }
        }
        add("domain_get_vcpus_flags", &table) { domain, call in
            // VIR_DOMAIN_VCPU_GUEST: as many as the guest uses, which only somebody within it knows.
            guard try call.arguments.uint32() & 8 == 0 else {
                throw RemoteError(.operationUnsupported, "there is no agent in the guest of '\(domain.name)' to ask")
            }
            call.reply { $0.int32(Int32(domain.info.coreList.count)) }
        }
        table.add("domain_get_vcpus", .read) { client, call in
            let domain = try client.daemon.machine.domain(try WireDomain(&call.arguments))
            let (most, bytes) = (Int(try call.arguments.int32()), Int(try call.arguments.int32()))
            guard domain.isActive else { throw notRunning(domain) }
            let shown = shown(domain, most)
            let time = domain.info.uptimeNanoseconds
            call.reply { writer in
                writer.array(Array(shown.enumerated())) { writer, vcpu in
                    writer.uint32(UInt32(vcpu.offset))
                    writer.int32(1)
                    writer.uint64(time)
                    writer.int32(Int32(vcpu.element))
                }
                writer.opaque(maps(shown, bytes))
            }
        }
        table.add("domain_get_vcpu_pin_info", .read) { client, call in
            let domain = try client.daemon.machine.domain(try WireDomain(&call.arguments))
            let (most, bytes) = (Int(try call.arguments.int32()), Int(try call.arguments.int32()))
            let shown = shown(domain, most)
            call.reply { writer in
                writer.opaque(maps(shown, bytes))
                writer.int32(Int32(shown.count))
            }
        }
    }

    private static func shown(_ domain: Domain, _ most: Int) -> [Int] {
        Array(domain.info.coreList.prefix(max(most, 0)))
    }

    /// For each core a map with its own bit. - Parameter bytes: of one map; what a client asks is bounded.
    private static func maps(_ cores: [Int], _ bytes: Int) -> [UInt8] {
        cores.flatMap { CoreText.map([$0], count: min(max(bytes, 0), 256) * 8) }
    }

    static func notRunning(_ domain: Domain) -> RemoteError {
        RemoteError(.operationInvalid, "Requested operation is not valid: domain '\(domain.name)' is not running")
    }

    /// A procedure that reads, and whose first argument is a domain.
    static func add(
        _ name: String, _ table: inout DaemonTable, _ run: @escaping (Domain, RemoteCall) throws -> Void
    ) {
        table.add(name, .read) { client, call in
            let domain = try client.daemon.machine.domain(try WireDomain(&call.arguments))
            try run(domain, call)
        }
    }
}
