import Foundation
import Manifest
import ManifestRules

/// A manifest as JSON for other programs; the names are those of the YAML file, sizes and addresses are in bytes.
public struct ManifestJSON: Codable, Sendable {
    public struct Machine: Codable, Sendable {
        public var cores: Int
        public var memory: UInt64
    }

    public struct Device: Codable, Sendable {
        /// As in `00:03.0`.
        public var pci: String
        /// `vendor:device`; absent when any is right.
        public var id: String?
        public var virtualFunctions: Int?
        /// `none`, or absent.
        public var reset: String?

        enum CodingKeys: String, CodingKey {
            case pci, id, reset
            case virtualFunctions = "virtual-functions"
        }
    }

    public struct Watch: Codable, Sendable {
        public var kernel: String
        /// Seconds.
        public var lockAfter: UInt32

        enum CodingKeys: String, CodingKey {
            case kernel
            case lockAfter = "lock-after"
        }
    }

    public struct Partition: Codable, Sendable {
        public var name: String
        public var cores: [Int]
        public var memory: UInt64
        /// Absent when the hypervisor chooses.
        public var at: UInt64?
        public var kernel: String
        public var initrd: String?
        public var commandLine: String
        public var console: Bool
        /// Whether the console is a virtio function too.
        public var virtio: Bool
        /// Whether it is the control partition; absent where not.
        public var control: Bool?
        /// Whether it has the TPM; absent where not.
        public var tpm: Bool?
        public var autostart: Bool
        public var onPoweroff: String
        public var onReboot: String
        public var onCrash: String
        public var permit: [String]
        public var devices: [Device]
        public var accept: [String]
        /// Seconds for the first kick; absent when there is none.
        public var watchdog: Int?
        /// Absent when there is none.
        public var restartLimit: Int?
        /// Absent where nothing is guarded.
        public var watch: Watch?
        /// As in the YAML file; absent where nothing is asked for.
        public var cache: [String: String]?
        public var bandwidth: String?
        public var memoryKey: String?
        /// Its SHA-384, hexadecimal; absent where there is none.
        public var secret: String?

        enum CodingKeys: String, CodingKey {
            case name, cores, memory, at, kernel, initrd, console, virtio, control, autostart, permit, devices, accept,
                watchdog,
                cache, bandwidth, watch, secret, tpm
            case restartLimit = "restart-limit"
            case commandLine = "command-line"
            case onPoweroff = "on-poweroff"
            case onReboot = "on-reboot"
            case onCrash = "on-crash"
            case memoryKey = "memory-key"
        }
    }

    /// What two partitions share. What is absent does not go with its kind.
    public struct Channel: Codable, Sendable {
        public struct End: Codable, Sendable {
            public var partition: String
            public var mac: String?
            /// `always`, `never` or as in `1000/s`.
            public var kick: String?
            /// Bytes a second; absent where there is no limit.
            public var rate: UInt32?
            /// True where it is sealed, else absent.
            public var seal: Bool?
        }

        public var name: String
        /// `wire`, `memory` or `port`.
        public var kind: String
        public var mtu: Int?
        public var ends: [End]
    }

    public var name: String
    public var machine: Machine
    public var housekeeping: Int
    public var link: String
    /// Absent where nothing is required.
    public var require: [String]?
    /// Absent where there is none.
    public var securityVersion: UInt64?
    public var partitions: [Partition]
    /// Absent where there are none.
    public var channels: [Channel]?

    enum CodingKeys: String, CodingKey {
        case name, machine, housekeeping, link, require, partitions, channels
        case securityVersion = "security-version"
    }

    public init(_ manifest: Manifest) {
        name = manifest.name.string
        machine = Machine(cores: manifest.machineCores, memory: manifest.machineMemory)
        housekeeping = manifest.housekeeping
        link = manifest.link.name
        require = manifest.requires.isEmpty ? nil : manifest.requires.nameList
        securityVersion = manifest.securityVersion == 0 ? nil : manifest.securityVersion
        channels = manifest.channelCount == 0 ? nil : manifest.channelList.map { Channel($0, manifest) }
        partitions = manifest.partitionList.map {
            Partition(
                name: $0.name.string, cores: $0.cores.list, memory: $0.memorySize,
                at: $0.memoryBase == 0 ? nil : $0.memoryBase, kernel: $0.image.string,
                initrd: $0.initrd.isEmpty ? nil : $0.initrd.string, commandLine: $0.commandLine.string,
                console: $0.console, virtio: $0.virtio.contains(.console),
                control: $0.virtio.contains(.control) ? true : nil, tpm: $0.tpm ? true : nil, autostart: $0.autostart,
                onPoweroff: $0.onPoweroff.name,
                onReboot: $0.onReboot.name, onCrash: $0.onCrash.name, permit: $0.permits.nameList,
                devices: $0.devices.list.map(Device.init), accept: $0.accepts.nameList,
                watchdog: $0.watchdog == 0 ? nil : Int($0.watchdog),
                restartLimit: $0.restartLimit == 0 ? nil : Int($0.restartLimit),
                watch: $0.watch.response == .off
                    ? nil : Watch(kernel: $0.watch.response.name, lockAfter: $0.watch.lockAfter),
                cache: $0.resources.cacheWords, bandwidth: $0.resources.bandwidth.text,
                memoryKey: $0.resources.memoryKey == .none ? nil : $0.resources.memoryKey.name,
                secret: $0.secret?.text)
        }
    }
}

extension ManifestJSON.Channel {
    init(_ spec: ChannelSpec, _ manifest: Manifest) {
        name = spec.name.string
        kind = spec.kind.rawValue
        mtu = spec.kind == .wire ? Int(spec.mtu) : nil
        ends = (0..<2).map { i in
            let end = spec.ends[i]
            return End(
                partition: manifest.partitions[end.partition].name.string, mac: spec.kind == .wire ? end.macText : nil,
                kick: spec.isMemory ? nil : end.kickText, rate: end.rate == .max ? nil : end.rate,
                seal: end.isSealed ? true : nil)
        }
    }
}

extension ManifestJSON.Device {
    init(_ spec: DeviceSpec) {
        pci = spec.address.text
        id = spec.identifier
        virtualFunctions = spec.virtualFunctions == 0 ? nil : Int(spec.virtualFunctions)
        reset = spec.acceptsNoReset ? "none" : nil
    }
}

/// What `manifest check --json` prints.
public struct CheckReport: Codable, Sendable {
    public var file: String
    public var ok: Bool
    public var problems: [ManifestProblem]

    public init(file: String, problems: [ManifestProblem]) {
        self.file = file
        ok = problems.isEmpty
        self.problems = problems
    }
}

/// JSON with sorted keys, for people and for comparing. A terminal may show it.
public func jsonText(_ value: some Encodable) throws -> String { try jsonText(value, JSONEncoder(), pretty: true) }

/// By an encoder that names the keys as it likes; on one line unless `pretty`.
package func jsonText(_ value: some Encodable, _ encoder: JSONEncoder, pretty: Bool) throws -> String {
    let always: JSONEncoder.OutputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.outputFormatting = pretty ? always.union(.prettyPrinted) : always
    return printableJSON(String(decoding: try encoder.encode(value), as: UTF8.self))
}
