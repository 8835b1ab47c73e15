import Control
import ControlClient
import LibvirtWire

extension DomainDefinition {
    /// What in it is not as the partition is; nil when all that it names agrees.
    func disagreement(_ info: PartitionInfo) -> RemoteError? {
        let cores = info.coreList
        for name in ["memory", "currentMemory"] {
            guard let element = root.child(name) else { continue }
            guard let bytes = MemorySize.bytes(element.trimmed, element["unit"]) else {
                return DefinitionRules.refusal("domain/\(name)", "\(element.trimmed.quoted) is no amount of memory")
            }
            guard bytes == info.memory else {
                return differs("domain/\(name)", "\(bytes >> 10) KiB", "\(info.memory >> 10) KiB", info)
            }
        }
        if let vcpu = root.child("vcpu") {
            guard Int(vcpu.trimmed) == cores.count else {
                return differs("domain/vcpu", "\(vcpu.trimmed.quoted) vCPUs", "\(cores.count)", info)
            }
            if let current = vcpu["current"], Int(current) != cores.count {
                return differs("domain/vcpu", "\(current.quoted) vCPUs now", "\(cores.count)", info)
            }
            if let set = vcpu["cpuset"], CoreText.cores(set) != cores {
                return differs("domain/vcpu", "cores \(set.quoted)", CoreText.list(cores), info)
            }
        }
        for pin in root.child("cputune")?.children ?? [] {
            guard let vcpu = pin["vcpu"].flatMap({ Int($0) }), cores.indices.contains(vcpu) else {
                return differs(
                    "domain/cputune/vcpupin", "vCPU \((pin["vcpu"] ?? "").quoted)", "0 to \(cores.count - 1)", info)
            }
            guard let set = pin["cpuset"], CoreText.cores(set) == [cores[vcpu]] else {
                let asked = "vCPU \(vcpu) on \((pin["cpuset"] ?? "").quoted)"
                return differs("domain/cputune/vcpupin", asked, "core \(cores[vcpu])", info)
            }
        }
        if let kernel = root.child("os")?.child("kernel")?.trimmed {
            let image = info.image.string
            guard kernel == image || kernel.split(separator: "/").last == image.split(separator: "/").last else {
                return differs("domain/os/kernel", kernel.quoted, "'\(image)'", info)
            }
        }
        return nil
    }

    private func differs(_ path: String, _ asked: String, _ has: String, _ info: PartitionInfo) -> RemoteError {
        DefinitionRules.refusal(path, "\(asked), but the manifest gives partition \(info.name.string) \(has)")
    }
}

extension Domain {
    /// Why it cannot be started as it is defined: the manifest may have changed since.
    var startFault: RemoteError? { definition?.disagreement(info) }
}

extension MachineModel {
    /// The partition for a definition: the one that it names, that its domain has already, or the only one that fits. One
    /// of which something saved is left out must be named.
    /// - Parameter isMove: a domain that is in another partition leaves it.
    /// - Throws: `configUnsupported` with what does not agree, or with the candidates; `domainExists`.
    func place(_ definition: DomainDefinition, isMove: Bool = true) throws(RemoteError) -> Domain {
        let holder = domains.first { $0.uuid == definition.uuid }
        if let holder, holder.name != definition.name {
            throw RemoteError(
                .domainExists, "domain '\(holder.name)' is already defined with uuid \(definition.uuid)")
        }
        if let other = domains.first(where: { $0.name == definition.name }), other.uuid != definition.uuid {
            // A domain that nobody has defined gives way to one that somebody defines.
            guard case .partition = other.origin else {
                throw RemoteError(
                    .domainExists, "domain '\(other.name)' is already defined with uuid \(other.uuid)")
            }
        }
        if let name = definition.partition {
            guard let partition = domain(partition: name) else {
                let names = partitions.map(\.partition).joined(separator: ", ")
                throw DefinitionRules.refusal(
                    "domain/resource/partition", "there is no partition \(name.quoted); there are \(names)")
            }
            return try free(partition, definition, isMove)
        }
        if let holder, holder.leftOut == nil { return try free(holder, definition, isMove) }
        let fitting = partitions.filter { unfitness($0, definition, isMove) == nil }
        if fitting.count == 1 { return fitting[0] }
        let words =
            fitting.isEmpty
            ? partitions.compactMap { partition in
                unfitness(partition, definition, isMove).map { "\(partition.partition): \($0)" }
            }.joined(separator: "; ")
            : "several partitions fit: " + fitting.map(\.partition).joined(separator: ", ")
        throw DefinitionRules.refusal("domain/resource/partition", "it is absent, and \(words)")
    }

    /// Why a definition would give a partition the name or the UUID of another one.
    func clash(_ definition: DomainDefinition, for partition: Domain, isMove: Bool) -> RemoteError? {
        guard let other = partitions.first(where: { $0 !== partition && $0.clashes(definition, isMove: isMove) })
        else { return nil }
        return RemoteError(
            .domainExists,
            "domain '\(definition.name)' with uuid \(definition.uuid) has the name or the uuid of partition "
                + "'\(other.partition)' or of its domain")
    }

    /// Why a partition is not taken for a definition that names none; nil when it may be.
    private func unfitness(_ partition: Domain, _ definition: DomainDefinition, _ isMove: Bool) -> String? {
        // Only who names it means to replace what was saved of it.
        guard partition.leftOut == nil else { return "what was saved of it is left out, and would be lost" }
        do throws(RemoteError) {
            _ = try free(partition, definition, isMove)
            return nil
        } catch { return error.message.replacing("unsupported configuration: ", with: "") }
    }

    /// The partition, if what is defined fits it and no other domain has it.
    private func free(
        _ partition: Domain, _ definition: DomainDefinition, _ isMove: Bool
    ) throws(RemoteError) -> Domain {
        if let clash = clash(definition, for: partition, isMove: isMove) { throw clash }
        if let fault = definition.disagreement(partition.info) { throw fault }
        if partition.uuid == definition.uuid && partition.isThere { return partition }
        switch partition.origin {
        case .none: return partition
        case .partition where !partition.isActive || partition.name == definition.name: return partition
        case .partition, .defined, .transient:
            throw DefinitionRules.refusal(
                "domain/resource/partition",
                "partition '\(partition.partition)' has the domain '\(partition.name)' already")
        }
    }
}

/// Amounts of memory as libvirt writes them.
enum MemorySize {
    /// - Parameter unit: KiB if nil.
    static func bytes(_ text: String, _ unit: String?) -> UInt64? {
        let factors: [String: UInt64] = [
            "b": 1, "bytes": 1, "KB": 1000, "k": 1 << 10, "KiB": 1 << 10, "MB": 1_000_000, "M": 1 << 20, "MiB": 1 << 20,
            "GB": 1_000_000_000, "G": 1 << 30, "GiB": 1 << 30, "TB": 1_000_000_000_000, "T": 1 << 40, "TiB": 1 << 40,
        ]
        guard let number = UInt64(text), let factor = factors[unit ?? "KiB"] else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : bytes
    }
}
