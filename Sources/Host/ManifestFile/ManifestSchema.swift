import Foundation
import Manifest
import Resources

/// The manifest's JSON Schema (draft 2020-12), for editors that complete and check YAML as it is typed. What it accepts may still be
/// refused: `manifest check` knows more.
public func manifestSchema() throws -> String {
    let size = string("a size: 512M, 2G", pattern: #"^[0-9]+[KMGT]?$"#)
    let cores: [String: Any] = [
        "description": "1, 2-3, or a list of them", "type": ["integer", "string", "array"],
    ]
    let operations: [String: Any] = [
        "description": "what a manager may ask of the partition",
        "oneOf": [
            words(["all", "none"]),
            ["type": "array", "items": words(ControlOperations.names.map(\.name)), "uniqueItems": true],
        ],
    ]
    func action(_ event: String) -> [String: Any] {
        words(LifecycleAction.names.map(\.name), "what happens when the guest \(event)")
    }
    let address = string(
        "bus:device.function, as lspci prints it",
        pattern: #"^([0-9a-fA-F]{4}:)?[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7]$"#)
    let device: [String: Any] = [
        "oneOf": [
            address,
            [
                "type": "object", "additionalProperties": false, "required": ["pci"],
                "properties": [
                    "pci": address,
                    "id": string("vendor:device, so that a card in the wrong slot is noticed"),
                    "virtual-functions": integer(
                        "how many virtual functions are enabled (SR-IOV)", Manifest.maxVirtualFunctions),
                    "reset": words(["none"], "accept that it cannot be reset between two guests"),
                ] as [String: Any],
            ] as [String: Any],
        ]
    ]
    let partition: [String: Any] = [
        "type": "object", "additionalProperties": false, "required": ["name", "cores", "memory", "image"],
        "properties": [
            "name": string("a-z, 0-9 and -", pattern: "^[a-z][a-z0-9-]{0,30}$"),
            "cores": cores,
            "memory": [
                "oneOf": [
                    size,
                    [
                        "type": "object", "additionalProperties": false, "required": ["size"],
                        "properties": ["size": size, "at": ["type": ["string", "integer"]]],
                    ] as [String: Any],
                ]
            ],
            "image": [
                "oneOf": [
                    string("the kernel's path"),
                    [
                        "type": "object", "additionalProperties": false, "required": ["kernel"],
                        "properties": ["kernel": string("a path"), "initrd": string("a path")],
                    ] as [String: Any],
                ]
            ],
            "command-line": string("what the guest gets as its command line"),
            "console": [
                "description": "whether the guest sees a serial port at 3F8h, or a virtio console too",
                "enum": [true, false, "virtio"],
            ] as [String: Any],
            "control": flag("whether its programs may ask what managers may, by a virtio port of their own"),
            "tpm": flag("whether the guest has the machine's TPM, which nobody else has"),
            "autostart": flag("whether it starts with the machine"),
            "on-poweroff": action("switches itself off"), "on-reboot": action("reboots"), "on-crash": action("crashes"),
            "watchdog": string("the guest has a watchdog, and so long for its first kick", pattern: "^[0-9]+[smh]$"),
            "restart-limit": integer("how often within an hour a guest that ended is started anew", 255),
            "ready": string("when tools call the guest ready: a text on its console, watchdog, or a time such as 20s"),
            "permit": operations,
            "secret": string("SHA-384 of what the machine's TPM opens for the guest", pattern: "^[0-9a-f]{96}$"),
            "devices": ["type": "array", "items": device],
            "cache": cacheSchema,
            "bandwidth": bandwidthSchema,
            "memory-key": words(MemoryKeyDemand.names.map(\.name), "whether memory is encrypted with a key of its own"),
            "accept": ["type": "array", "items": words(Acceptances.names.map(\.name)), "uniqueItems": true],
            "watch": [
                "type": "object", "additionalProperties": false, "required": ["kernel"],
                "properties": [
                    "kernel": words(WatchResponse.names.map(\.name), "what answers a change to the guest's kernel"),
                    "lock-after": string("until then changes are told and let through", pattern: "^[0-9]+[smh]$"),
                ] as [String: Any],
            ] as [String: Any],
        ] as [String: Any],
    ]
    let schema: [String: Any] = [
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Bulkhead manifest", "type": "object", "additionalProperties": false,
        "required": ["name", "housekeeping", "partitions"],
        "properties": [
            "name": string("the machine's name", pattern: "^[a-z][a-z0-9-]{0,30}$"),
            "machine": [
                "type": "object", "additionalProperties": false,
                "properties": ["cores": ["type": "integer"], "memory": size],
            ] as [String: Any],
            "housekeeping": [
                "oneOf": [
                    integer("the core that answers managers", nil),
                    [
                        "type": "object", "additionalProperties": false, "required": ["core"],
                        "properties": [
                            "core": integer("the core that answers managers", nil), "cache": cacheSchema,
                            "bandwidth": bandwidthSchema,
                        ] as [String: Any],
                    ] as [String: Any],
                ]
            ],
            "link": words(ManagementLink.names.map(\.name), "how a manager reaches the hypervisor"),
            "require": [
                "description": "what the machine must have, or nothing is started",
                "type": "array", "items": words(TrustAnchors.names.map(\.name)), "uniqueItems": true,
            ] as [String: Any],
            "security-version": integer(
                "a machine whose TPM counts them starts no older one", Int(Manifest.maxSecurityVersion)),
            "partitions": [
                "type": "array", "minItems": 1, "maxItems": Manifest.maxPartitions, "items": partition,
            ] as [String: Any],
            "channels": channelsSchema,
        ] as [String: Any],
    ]
    let data = try JSONSerialization.data(
        withJSONObject: schema, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    return String(decoding: data, as: UTF8.self)
}

private var channelsSchema: [String: Any] {
    let kick = string("how often its guest may be interrupted", pattern: "^(always|never|[0-9]+/s)$")
    let rate = string("bytes a second that it may send: 10M/s", pattern: "^[0-9]+[KMG]/s$")
    let end: [String: Any] = [
        "oneOf": [
            string("a partition's name"),
            [
                "type": "object", "additionalProperties": false, "required": ["partition"],
                "properties": [
                    "partition": string("a partition's name"),
                    "mac": string("its address", pattern: "^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$"),
                    "kick": kick, "rate": rate,
                    "seal": flag("whether what leaves it is encrypted with a key made of its partition's secret"),
                ] as [String: Any],
            ] as [String: Any],
        ]
    ]
    let channel: [String: Any] = [
        "type": "object", "additionalProperties": false, "required": ["name", "ends"],
        "properties": [
            "name": string("the channel's name", pattern: "^[a-z][a-z0-9-]{0,30}$"),
            "kind": words(
                ChannelKind.allCases.map(\.rawValue),
                "a network card at each end, memory of which each end writes a half, or a port for bytes at each"),
            "mtu": integer("bytes behind the Ethernet header", Int(ChannelSpec.maxMTU)),
            "ends": ["type": "array", "minItems": 2, "maxItems": 2, "items": end] as [String: Any],
            "kick": kick, "rate": rate,
        ] as [String: Any],
    ]
    return ["type": "array", "maxItems": Manifest.maxChannels, "items": channel]
}

private var cacheSchema: [String: Any] {
    let part: [String: Any] = [
        "description": "4 ways, 25% or exclusive", "type": "string", "pattern": "^([0-9]+ ways?|[0-9]+%|exclusive)$",
    ]
    return ["type": "object", "additionalProperties": false, "properties": ["l3": part, "l2": part]]
}

private var bandwidthSchema: [String: Any] {
    string("40% (Intel) or 12 GB/s (AMD)", pattern: #"^[0-9]+(%|(\.[0-9]+)? ?GB/s)$"#)
}

private func string(_ description: String, pattern: String? = nil) -> [String: Any] {
    var schema: [String: Any] = ["type": "string", "description": description]
    if let pattern { schema["pattern"] = pattern }
    return schema
}

private func integer(_ description: String, _ most: Int?) -> [String: Any] {
    var schema: [String: Any] = ["type": "integer", "description": description, "minimum": 0]
    if let most { schema["maximum"] = most }
    return schema
}

private func flag(_ description: String) -> [String: Any] { ["type": "boolean", "description": description] }

private func words(_ words: [String], _ description: String? = nil) -> [String: Any] {
    var schema: [String: Any] = ["enum": words]
    if let description { schema["description"] = description }
    return schema
}
