import Foundation
import LibvirtWire

typealias DaemonTable = ProcedureTable<ClientConnection>

/// Of the connection itself: opening, features, names, versions.
enum ConnectProcedures {
    /// `VIR_DRV_FEATURE_…` that both ends must know: typed parameters with texts, keepalive, event and close callbacks.
    private static let features: Set<Int32> = [9, keepalive, 14, 15]
    private static let keepalive: Int32 = 10
    /// What libvirt's clients take the server's version for, and choose their calls by.
    private static let libraryVersion: UInt64 = 9_000_000

    static func add(to table: inout DaemonTable) {
        table.add("auth_list", .session) { _, call in
            call.reply { $0.array([]) { (writer, _: Int32) in writer.int32(0) } }
        }
        table.add("connect_supports_feature", .session) { client, call in
            let feature = try call.arguments.int32()
            if feature == keepalive { client.session.enableKeepalive() }
            call.reply { $0.int32(features.contains(feature) ? 1 : 0) }
        }
        table.add("connect_open", .session) { client, call in
            _ = try call.arguments.optionalString(max: 4096)
            let flags = try call.arguments.uint32()
            guard flags & ~1 == 0 else {
                throw RemoteError(.invalidArgument, "connect_open: unknown flags 0x\(String(flags, radix: 16))")
            }
            if flags & 1 != 0 { client.session.isReadOnly = true }
            client.session.isOpen = true
            call.reply()
        }
        table.add("connect_close", .session) { client, call in
            client.session.isOpen = false
            client.callbacks = [:]
            call.reply()
        }
        table.add("connect_register_close_callback", .session) { _, call in call.reply() }
        table.add("connect_unregister_close_callback", .session) { _, call in call.reply() }
        table.add("connect_get_type", .read, ofDomains: false) { _, call in call.reply { $0.string("Bulkhead") } }
        table.add("connect_get_version", .read, ofDomains: false) { client, call in
            let version = try client.daemon.machineInfo().version.string
            call.reply { $0.uint64(number(version)) }
        }
        table.add("connect_get_lib_version", .read, ofDomains: false) { _, call in
            call.reply { $0.uint64(libraryVersion) }
        }
        table.add("connect_get_hostname", .read, ofDomains: false) { client, call in
            let name = try client.daemon.machineInfo().name.string
            call.reply { $0.string(name) }
        }
        table.add("connect_get_uri", .read, ofDomains: false) { _, call in
            call.reply { $0.string("bulkhead:///system") }
        }
        // Nobody but this machine's users can reach a UNIX socket.
        table.add("connect_is_secure", .read, ofDomains: false) { _, call in call.reply { $0.int32(1) } }
    }

    /// "1.2.3" as libvirt counts: 1,002,003. Each part counts up to 999.
    static func number(_ version: String) -> UInt64 {
        let numbers = version.split(separator: ".").map { UInt64($0.prefix { $0.isNumber }) ?? 0 }
        let parts = numbers.map { min($0, 999) } + [0, 0, 0]
        return parts[0] * 1_000_000 + parts[1] * 1000 + parts[2]
    }
}
