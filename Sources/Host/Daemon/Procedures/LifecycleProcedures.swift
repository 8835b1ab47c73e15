import Control
import ControlClient
import LibvirtWire
import NIOCore

/// What changes a domain's state. Each is answered when the machine has done it.
enum LifecycleProcedures {
    static func add(to table: inout DaemonTable) {
        add("domain_create", .start, &table, hasFlags: false)
        table.add("domain_create_with_flags", .change) { client, call in
            let domain = try client.daemon.machine.domain(try WireDomain(&call.arguments))
            let flags = try call.arguments.uint32()
            guard flags == 0 else { throw unknownFlags("domain_create_with_flags", flags) }
            try change(.start, domain, client, call) { domain.wire.write(&$0) }
        }
        add("domain_destroy", .stop, &table, hasFlags: false)
        // 1: ask the guest before. It is not asked, so its memory is cleared in any case.
        add("domain_destroy_flags", .stop, &table, allowed: 1)
        add("domain_suspend", .pause, &table, hasFlags: false)
        add("domain_resume", .resume, &table, hasFlags: false)
        add("domain_reset", .restart, &table)
        table.add("domain_reboot", .change) { client, call in
            let domain = try client.daemon.machine.domain(try WireDomain(&call.arguments))
            _ = try call.arguments.uint32()
            guard domain.isActive else { throw DomainProcedures.notRunning(domain) }
            try change(.restart, domain, client, call)
        }
        for name in ["domain_shutdown", "domain_shutdown_flags"] {
            table.add(name, .change) { client, call in
                let domain = try client.daemon.machine.domain(try WireDomain(&call.arguments))
                try shutdown(domain, client, call)
            }
        }
    }

    private static func add(
        _ name: String, _ operation: ControlOperation, _ table: inout DaemonTable, hasFlags: Bool = true,
        allowed: UInt32 = 0
    ) {
        table.add(name, .change) { client, call in
            let domain = try client.daemon.machine.domain(try WireDomain(&call.arguments))
            if hasFlags {
                let flags = try call.arguments.uint32()
                guard flags & ~allowed == 0 else { throw unknownFlags(name, flags) }
            }
            try change(operation, domain, client, call)
        }
    }

    static func unknownFlags(_ name: String, _ flags: UInt32) -> RemoteError {
        RemoteError(.invalidArgument, "\(name): unsupported flags (0x\(String(flags, radix: 16)))")
    }

    /// Refuses what the state does not allow in libvirt's words; else asks the machine.
    private static func change(
        _ operation: ControlOperation, _ domain: Domain, _ client: ClientConnection, _ call: RemoteCall,
        _ write: @escaping (inout XDRWriter) -> Void = { _ in }
    ) throws {
        switch (operation, domain.info.state) {
        case (.start, let state) where state != .stopped && state != .crashed && state != .stopping:
            throw RemoteError(.operationInvalid, "Requested operation is not valid: domain is already running")
        case (.start, _):
            if let fault = domain.startFault { throw fault }
        case (.pause, .paused), (.resume, .running): return call.reply(write)
        case (.stop, let state), (.pause, let state), (.resume, let state), (.restart, let state):
            if state == .stopped || state == .crashed { throw DomainProcedures.notRunning(domain) }
        default: break
        }
        client.daemon.change(operation, domain) { result in
            switch result {
            case .success: call.reply(write)
            case .failure(let error): call.fail(error)
            }
        }
    }

    /// Asks the guest to shut down. Its partition has no power button yet: where the configuration says what guests
    /// understand, it is typed on the console.
    private static func shutdown(_ domain: Domain, _ client: ClientConnection, _ call: RemoteCall) throws {
        guard domain.isActive else { throw DomainProcedures.notRunning(domain) }
        guard let line = client.daemon.configuration.shutdownLine else {
            throw RemoteError(
                .operationUnsupported,
                "the guest of '\(domain.name)' cannot be asked to shut down: a partition has no power button. `destroy` "
                    + "ends it at once; bulkheadd's --shutdown-line says what its guests understand on their consoles")
        }
        let end = client.daemon.loop.now + .seconds(Limits.typingSeconds)
        let typing = ConsoleTyping(client.daemon, domain, .change, until: end)
        typing.finished = { result in
            switch result {
            case .success: call.reply()
            case .failure(let error): call.fail(error)
            }
        }
        typing.type("\(line)\r".utf8)
    }
}
