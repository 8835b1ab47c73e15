import LibvirtWire

/// A domain as it is to be from now on.
struct DomainUpdate {
    let domain: Domain
    let origin: Domain.Origin
    let autostart: Bool
    /// A client defines it, whatever was there.
    let isDefinition: Bool

    init(_ domain: Domain, _ origin: Domain.Origin, autostart: Bool, isDefinition: Bool = false) {
        (self.domain, self.origin, self.autostart) = (domain, origin, autostart)
        self.isDefinition = isDefinition
    }

    /// What is kept of it.
    var stored: StoredDomain {
        var stored = StoredDomain(partition: domain.partition, xml: nil, autostart: autostart, isUndefined: false)
        switch origin {
        case .partition: break
        case .defined(let definition): stored.xml = definition.text
        case .transient, .none: stored.isUndefined = true
        }
        return stored
    }
}

extension Domain {
    /// Why a change would overwrite what nobody has seen; nil when it would not.
    /// - Parameter isDefinition: a client defines the domain, whatever was there.
    func refusal(isDefinition: Bool) -> RemoteError? {
        guard isLoaded else {
            return RemoteError(
                .systemError, "what was saved of partition '\(partition)' cannot be read: nothing is saved over it")
        }
        guard let leftOut, !isDefinition else { return nil }
        return RemoteError(
            .operationInvalid,
            "what was saved of partition '\(partition)' is left out, and would be lost: \(leftOut). Define a domain "
                + "with this partition in its <resource>"
        )
    }
}
