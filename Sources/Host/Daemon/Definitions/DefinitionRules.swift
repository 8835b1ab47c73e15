import LibvirtWire

/// Which elements of a domain's XML a partition can honour. Everything else is refused by its name: a client must not believe
/// that it has what it has not.
enum DefinitionRules {
    private enum Rule: Sendable {
        /// Its elements are looked at one by one.
        case group
        /// For people and programs; it means nothing to the machine.
        case free
        /// Nothing inside but text; what is wrong with it, or nil.
        case value(@Sendable (XMLElement) -> String?)
    }

    /// By path.
    private static let rules: [String: Rule] = [
        "domain": .group, "domain/name": value, "domain/uuid": value, "domain/title": .free,
        "domain/description": .free,
        "domain/metadata": .free, "domain/memory": value, "domain/currentMemory": value,
        "domain/vcpu": .value { wrong($0["placement"], in: [nil, "static"], "placement") },
        "domain/cputune": .group, "domain/cputune/vcpupin": value,
        "domain/resource": .group, "domain/resource/partition": value,
        "domain/os": .group, "domain/os/kernel": value,
        "domain/os/type": .value { element in
            wrong(element.trimmed, in: ["hvm"], "its text") ?? wrong(element["arch"], in: [nil, "x86_64"], "arch")
        },
        "domain/features": .group, "domain/features/acpi": value, "domain/features/apic": value,
        "domain/cpu": .value { wrong($0["mode"], in: ["host-passthrough"], "mode") },
        "domain/clock": .value { wrong($0["offset"], in: ["utc"], "offset") },
        // What follows an end is the manifest's: libvirt's own defaults are not taken for a wish.
        "domain/on_poweroff": .value { wrong($0.trimmed, in: ["destroy"], "its text") },
        "domain/on_reboot": .value { wrong($0.trimmed, in: ["restart"], "its text") },
        "domain/on_crash": .value { wrong($0.trimmed, in: ["destroy", "restart"], "its text") },
        "domain/memoryBacking": .group, "domain/memoryBacking/locked": value,
        "domain/memoryBacking/nosharepages": value, "domain/memoryBacking/hugepages": value,
        "domain/memoryBacking/allocation": .value { wrong($0["mode"], in: ["immediate"], "mode") },
        "domain/pm": .group,
        "domain/pm/suspend-to-mem": .value { wrong($0["enabled"], in: ["no"], "enabled") },
        "domain/pm/suspend-to-disk": .value { wrong($0["enabled"], in: ["no"], "enabled") },
        "domain/devices": .group,
        "domain/devices/console": .group, "domain/devices/console/target": port, "domain/devices/console/alias": value,
        "domain/devices/serial": .group, "domain/devices/serial/target": .group,
        "domain/devices/serial/target/model": value, "domain/devices/serial/alias": value,
        "domain/devices/memballoon": .value { wrong($0["model"], in: ["none"], "model") },
    ]

    /// Bytes of a value's text, blanks around it included, and of each attribute.
    private static let maxText = 4096
    /// A pin for each core that a partition can have.
    private static let maxPins = 64

    private static var value: Rule { .value { _ in nil } }
    private static var port: Rule { .value { wrong($0["port"], in: [nil, "0"], "port") } }

    private static func wrong(_ value: String?, in known: [String?], _ what: String) -> String? {
        guard !known.contains(value) else { return nil }
        let words = known.compactMap { $0 }.map { "'\($0)'" }.joined(separator: " or ")
        return "\(what) is \(value?.quoted ?? "absent"), and must be \(words)"
    }

    /// - Throws: `configUnsupported` with the first element that cannot be honoured.
    static func check(_ root: XMLElement) throws(RemoteError) {
        try bound(root, "domain")
        guard root["type"] == "bulkhead" else {
            throw refusal("domain", "its type is \((root["type"] ?? "").quoted), and must be 'bulkhead'")
        }
        try check(root, "domain")
        guard root.child("cputune")?.children.count ?? 0 <= maxPins else {
            throw refusal("domain/cputune/vcpupin", "there are more than \(maxPins)")
        }
        for kind in ["console", "serial"] {
            let devices = (root.child("devices")?.children ?? []).filter { $0.name == kind }
            guard devices.count <= 1 else { throw refusal("domain/devices/\(kind)", "a partition has one console") }
            guard devices.allSatisfy({ $0["type"] == "pty" }) else {
                throw refusal("domain/devices/\(kind)", "its type must be 'pty'")
            }
        }
    }

    private static func check(_ element: XMLElement, _ path: String) throws(RemoteError) {
        guard let rule = rules[path] else {
            throw refusal(path, "a partition has nothing that does what it asks for")
        }
        switch rule {
        case .free: return
        case .group:
            try bound(element, path)
            for child in element.children { try check(child, "\(path)/\(child.name)") }
        case .value(let fault):
            try bound(element, path)
            guard element.text.utf8.count <= maxText else {
                throw refusal(path, "its text has more than \(maxText) bytes")
            }
            if let fault = fault(element) { throw refusal(path, fault) }
            guard let child = element.children.first else { return }
            throw refusal("\(path)/\(child.name)", "a partition has nothing that does what it asks for")
        }
    }

    /// Before any attribute is quoted or looked at: what clients send is not worked on for long.
    private static func bound(_ element: XMLElement, _ path: String) throws(RemoteError) {
        guard let long = element.attributes.first(where: { $0.value.utf8.count > maxText }) else { return }
        throw refusal(path, "\(long.name) has more than \(maxText) bytes")
    }

    /// "unsupported configuration: <devices><disk>: ..."
    static func refusal(_ path: String, _ reason: String) -> RemoteError {
        let names = path.split(separator: "/")
        let shown = names.dropFirst(names.count > 1 ? 1 : 0).map { "<\($0)>" }.joined()
        return RemoteError(.configUnsupported, "unsupported configuration: \(shown): \(reason)")
    }
}
