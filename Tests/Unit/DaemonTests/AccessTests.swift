@testable import Daemon
import LibvirtWire
import Testing

/// What each procedure needs. A new one is put into one of the lists by whoever adds it.
@Suite struct AccessTests {
    static let changing: Set = [
        "domain_define_xml", "domain_define_xml_flags", "domain_create_xml", "domain_undefine", "domain_undefine_flags",
        "domain_set_autostart", "domain_create", "domain_create_with_flags", "domain_destroy", "domain_destroy_flags",
        "domain_suspend", "domain_resume", "domain_reset", "domain_reboot", "domain_shutdown", "domain_shutdown_flags",
        "domain_set_metadata", "domain_open_console",
    ]
    static let ofTheConnection: Set = [
        "auth_list", "connect_supports_feature", "connect_open", "connect_close", "connect_register_close_callback",
        "connect_unregister_close_callback",
    ]
    /// Of those that read, each begins with one of these: what does not is to be looked at.
    static let reading = [
        "connect_get_", "connect_list_", "connect_num_of_", "connect_is_", "domain_get_", "domain_is_", "domain_has_",
        "domain_list_all_", "domain_lookup_by_", "domain_snapshot_num", "node_get_", "node_num_of_", "node_list_",
        "node_device_",
        "connect_domain_event_callback_",
    ]
    /// What is true of machine and connection whatever its partitions do. All else is of domains.
    static let ofNoDomain = ofTheConnection.union([
        "connect_get_type", "connect_get_version", "connect_get_lib_version", "connect_get_hostname", "connect_get_uri",
        "connect_is_secure", "connect_get_capabilities", "node_get_info", "node_get_cpu_map",
        "connect_domain_event_callback_register_any", "connect_domain_event_callback_deregister_any",
        "connect_list_all_networks", "connect_list_all_storage_pools", "connect_list_all_interfaces",
        "connect_list_all_nwfilters", "connect_list_all_secrets", "connect_list_all_node_devices",
        "connect_list_all_nwfilter_bindings", "node_num_of_devices", "node_list_devices", "node_device_lookup_by_name",
        "node_device_get_xml_desc", "node_device_get_parent", "node_device_num_of_caps", "node_device_list_caps",
        "node_device_is_persistent", "node_device_is_active", "node_device_get_autostart", "node_device_dettach",
        "node_device_detach_flags", "node_device_re_attach", "node_device_reset",
    ])

    @Test func eachProcedureHasItsClass() throws {
        let table = try DaemonBench().daemon.table
        let names = table.numbers.map(ProcedureNames.name)
        #expect(Self.changing.isSubset(of: names) && Self.ofTheConnection.isSubset(of: names))
        for number in table.numbers {
            let name = ProcedureNames.name(number), access = table[number]?.access
            if Self.changing.contains(name) {
                #expect(access == .change, "\(name)")
            } else if Self.ofTheConnection.contains(name) {
                #expect(access == .session, "\(name)")
            } else {
                #expect(access == .read && Self.reading.contains(where: name.hasPrefix), "\(name)")
            }
        }
    }

    /// VIR_ERR_OPERATION_DENIED, and nothing has happened.
    @Test func readOnlyClientsChangeNothing() throws {
        let bench = try DaemonBench(), client = try bench.client(isReadOnly: true)
        let loop = try #require(bench.daemon.machine.domain(partition: "loop")).wire
        for name in Self.changing {
            #expect(try client.call(name) { loop.write(&$0) }?.code == 29, "\(name)")
        }
        bench.work()
        #expect(bench.machine.with { $0.calls } == [] && bench.names == ["loop", "workload"])
        #expect(try client.call("domain_get_info") { loop.write(&$0) }?.code == 0)
        // Opening it without the flag gives no more.
        try client.call("connect_open") { writer in
            writer.optionalString("bulkhead:///system")
            writer.uint32(0)
        }
        #expect(try client.call("domain_create") { loop.write(&$0) }?.code == 29)
    }

    @Test func nothingIsSaidBeforeTheConnectionIsOpen() throws {
        let bench = try DaemonBench(), client = try BenchClient(bench.daemon, isOpen: false)
        for number in bench.daemon.table.numbers where bench.daemon.table[number]?.access != .session {
            let name = ProcedureNames.name(number)
            let answer = try client.call(name)
            #expect(answer?.code == 39 && answer?.text.contains("is not open") == true, "\(name)")
        }
    }
}
