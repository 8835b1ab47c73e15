import LibvirtWire

/// PCI functions of the machine, for who plans a manifest. Which partition has one is the manifest's to say.
enum NodeDeviceProcedures {
    static func add(to table: inout DaemonTable) {
        addLists(to: &table)
        table.add("node_device_lookup_by_name", .read, ofDomains: false) { client, call in
            let device = try find(client, &call.arguments)
            call.reply { $0.string(device.name) }
        }
        table.add("node_device_get_xml_desc", .read, ofDomains: false) { client, call in
            let device = try find(client, &call.arguments), machine = client.daemon.machine
            let text = NodeDeviceXML.text(device, try client.daemon.machineInfo(), machine.devices)
            call.reply { $0.string(text) }
        }
        table.add("node_device_get_parent", .read, ofDomains: false) { client, call in
            let device = try find(client, &call.arguments)
            call.reply { $0.optionalString(device.parent) }
        }
        table.add("node_device_num_of_caps", .read, ofDomains: false) { client, call in
            _ = try find(client, &call.arguments)
            call.reply { $0.int32(1) }
        }
        table.add("node_device_list_caps", .read, ofDomains: false) { client, call in
            let device = try find(client, &call.arguments), most = try call.arguments.int32()
            call.reply { writer in
                writer.array([device.capability].prefix(Int(max(most, 0)))) { $0.string($1) }
            }
        }
        // All are there from the boot on, and for as long as the machine runs.
        for name in ["node_device_is_persistent", "node_device_is_active", "node_device_get_autostart"] {
            table.add(name, .read, ofDomains: false) { client, call in
                _ = try find(client, &call.arguments)
                call.reply { $0.int32(1) }
            }
        }
        for name in ["node_device_dettach", "node_device_detach_flags", "node_device_re_attach", "node_device_reset"] {
            // Nothing is changed by them: whoever asks is told why.
            table.add(name, .read, ofDomains: false) { client, call in
                let device = try find(client, &call.arguments)
                throw RemoteError(
                    .operationUnsupported,
                    "\(device.name): which partition has a function, and when it is reset, is the manifest's to say")
            }
        }
    }

    private static func addLists(to table: inout DaemonTable) {
        table.add("connect_list_all_node_devices", .read, ofDomains: false) { client, call in
            let needsResults = try call.arguments.int32() != 0
            let filter = NodeDeviceFilter(try call.arguments.uint32())
            let found = client.daemon.machine.devices.list.filter(filter.takes)
            call.reply { writer in
                writer.array(needsResults ? found : []) { $0.string($1.name) }
                writer.uint32(UInt32(found.count))
            }
        }
        table.add("node_num_of_devices", .read, ofDomains: false) { client, call in
            let capability = try call.arguments.optionalString()
            let count = client.daemon.machine.devices.list.count { capability ?? $0.capability == $0.capability }
            call.reply { $0.int32(Int32(count)) }
        }
        table.add("node_list_devices", .read, ofDomains: false) { client, call in
            let capability = try call.arguments.optionalString(), most = try call.arguments.int32()
            let found = client.daemon.machine.devices.list.filter { capability ?? $0.capability == $0.capability }
            call.reply { writer in writer.array(found.prefix(Int(max(most, 0)))) { $0.string($1.name) } }
        }
    }

    private static func find(_ client: ClientConnection, _ arguments: inout XDRReader) throws -> NodeDevice {
        let name = try arguments.string()
        guard let device = client.daemon.machine.devices[name] else {
            throw RemoteError(.noNodeDevice, "no node device with matching name \(name.quoted)", domain: .nodeDevice)
        }
        return device
    }
}
