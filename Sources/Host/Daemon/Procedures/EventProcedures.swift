import LibvirtWire

/// Registering for events.
enum EventProcedures {
    /// Numbers of the messages.
    static let lifecycle: Int32 = 318
    static let reboot: Int32 = 319

    static func add(to table: inout DaemonTable) {
        // Who waits for events may also wait for the machine.
        table.add("connect_domain_event_callback_register_any", .read, ofDomains: false) { client, call in
            let event = try call.arguments.int32()
            let domain = try call.arguments.optional { (reader) throws(XDRError) in try WireDomain(&reader) }
            let callback = try client.addCallback(event, domain?.uuid)
            call.reply { $0.int32(callback) }
        }
        table.add("connect_domain_event_callback_deregister_any", .read, ofDomains: false) { client, call in
            let callback = try call.arguments.int32()
            guard client.callbacks.removeValue(forKey: callback) != nil else {
                throw RemoteError(.invalidArgument, "there is no event callback \(callback)")
            }
            call.reply()
        }
    }
}
