import Control
import Glibc
import LibvirtWire
import Policy

/// What the policy lets this client do; without one, whoever reaches the socket may do what the manifest permits.
extension ClientConnection {
    /// The domains that it sees.
    var domains: [Domain] { daemon.machine.domains.filter { sees($0.partition) } }

    func sees(_ partition: String) -> Bool { decide(.read, on: partition).isAllowed }

    /// A domain that it sees.
    /// - Throws: `RemoteError` of code `noDomain`, in the same words whether it is there or not.
    func domain(_ wire: WireDomain) throws(RemoteError) -> Domain {
        let domain = try daemon.machine.domain(wire)
        guard sees(domain.partition) else { throw MachineModel.noDomain(wire) }
        return domain
    }

    private func decide(_ operation: PolicyOperation, on partition: String?) -> Policy.Decision {
        if let lapse { return .denied(lapse) }
        guard let policy = daemon.policy else { return .unlimited }
        return policy.decide(operation, on: partition, for: subject, daemon.policyFacts)
    }

    /// Why its certificate counts no more; nil: it does, or there is none.
    var lapse: String? {
        guard let certificate else { return nil }
        guard certificate.end > time(nil) else { return "the certificate of \(certificate.name) has expired" }
        switch daemon.certificates?.name(of: certificate.fingerprint) {
        case .success(certificate.name): return nil
        case .failure(let refusal): return refusal.words
        case .success, nil: return "the certificate of \(certificate.name) is somebody else's now"
        }
    }

    /// Refuses what the policy does not let it do; notes for the audit log why.
    func require(_ operation: PolicyOperation, on partition: String?, _ call: RemoteCall) throws(RemoteError) {
        guard daemon.policy != nil else { return }
        let decision = decide(operation, on: partition)
        call.reason = decision.words
        guard decision.isAllowed else { throw RemoteError(.accessDenied, decision.words, domain: .access) }
    }

    /// Refuses what would be more than the user's share.
    func requireShare() throws(RemoteError) {
        guard let own = daemon.clients(of: subject) else { return }
        guard own.reduce(0, { $0 + $1.session.calls + $1.session.openStreams }) <= Limits.userCalls else {
            let words = "\(Limits.userCalls) calls of this user wait for answers already, or consoles are open"
            throw RemoteError(.resourceBusy, words)
        }
    }

    /// Refuses a change that comes too soon after too many.
    func requireChange() throws(RemoteError) {
        guard let subject, daemon.isBound(subject) else { return }
        guard daemon.shares.takeChange(subject, daemon.loop.now) else {
            throw RemoteError(.resourceBusy, "too many changes of this user: ten a second are taken")
        }
    }

    /// Of what goes on after it was begun; nil: it may.
    func refusal(of operation: PolicyOperation, on partition: String) -> RemoteError? {
        let decision = decide(operation, on: partition)
        return decision.isAllowed ? nil : RemoteError(.accessDenied, decision.words, domain: .access)
    }

    /// Before a call is carried out. Definitions name their partition within: see `requirePlace`.
    func check(_ row: Procedure<ClientConnection>, _ call: RemoteCall) throws(RemoteError) {
        guard daemon.policy != nil, row.access != .session || row.name == "connect_open" else { return }
        try requireShare()
        guard let wire = call.domain else {
            switch row.name {
            case "domain_define_xml", "domain_define_xml_flags": return try require(.define, on: nil, call)
            case "domain_create_xml":
                try require(.define, on: nil, call)
                return try require(.start, on: nil, call)
            default:
                guard row.access != .change else { throw refusal(row, call) }
                return try require(.read, on: nil, call)
            }
        }
        // Of what it does not see it is told that there is no such thing.
        let domain = try daemon.machine.domain(wire), decision = decide(.read, on: domain.partition)
        guard decision.isAllowed else { throw MachineModel.noDomain(wire) }
        guard row.access == .change else { return call.reason = decision.words }
        guard let operation = PolicyOperation(procedure: row.name) else { throw refusal(row, call) }
        try require(operation, on: domain.partition, call)
    }

    private func refusal(_ row: Procedure<ClientConnection>, _ call: RemoteCall) -> RemoteError {
        call.reason = "no policy can allow \(row.name)"
        return RemoteError(.accessDenied, "no policy can allow \(row.name)", domain: .access)
    }

    /// Whether a definition may be put where it belongs. One that names no partition could go to any.
    func requirePlace(_ definition: DomainDefinition, starts: Bool, _ call: RemoteCall) throws(RemoteError) {
        guard let policy = daemon.policy else { return }
        for operation in [PolicyOperation.read, .define] + (starts ? [.start] : []) {
            if let name = definition.partition {
                try require(operation, on: name, call)
                guard daemon.machine.domain(partition: name) != nil else {
                    throw DefinitionRules.refusal("domain/resource/partition", "there is no partition \(name.quoted)")
                }
            } else if !policy.allowsEverywhere(operation, for: subject, daemon.policyFacts) {
                throw DefinitionRules.refusal(
                    "domain/resource/partition",
                    "it is absent, and the policy lets this user \(operation) in some alone")
            }
        }
    }

    /// Where a definition belongs. Of what the client does not see nothing is said but that a name or UUID is taken.
    func place(_ definition: DomainDefinition, isMove: Bool, _ call: RemoteCall) throws(RemoteError) -> Domain {
        try requirePlace(definition, starts: !isMove, call)
        do throws(RemoteError) { return try daemon.machine.place(definition, isMove: isMove) } catch {
            let seesAll = daemon.machine.partitions.allSatisfy { sees($0.partition) }
            guard error.code == .domainExists, !seesAll else { throw error }
            throw isTaken(definition)
        }
    }

    /// Not by whom, or where.
    func isTaken(_ definition: DomainDefinition) -> RemoteError {
        RemoteError(.domainExists, "the name or the uuid of domain '\(definition.name)' is taken")
    }
}

extension Daemon {
    /// Why a new connection is not let in; nil: it is.
    func refusal(ofNew client: ClientConnection) -> String? {
        if let refusal = policy?.refusal(of: client.subject) { return refusal }
        guard hasRoom(isReadOnly: client.session.isReadOnly, isRemote: client.certificate != nil) else {
            return "there are \(clients.count)"
        }
        guard let own = clients(of: client.subject), own.count >= Limits.userClients else { return nil }
        return "\(client.subject.map { "\($0)" } ?? "nobody") has \(own.count) connections already"
    }
}
