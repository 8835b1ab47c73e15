/// A domain as it is to be from now on.
struct DomainUpdate {
    let domain: Domain
    let origin: Domain.Origin
    let autostart: Bool

    init(_ domain: Domain, _ origin: Domain.Origin, autostart: Bool) {
        (self.domain, self.origin, self.autostart) = (domain, origin, autostart)
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
