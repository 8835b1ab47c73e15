import LibvirtWire
import Logging

/// What is kept of domains beyond the daemon's own life.
extension Daemon {
    /// Saves domains as they are to be, all or none; what is saved is on the disk. Only then are they so.
    func change(_ updates: [DomainUpdate]) throws(RemoteError) {
        let name = try machineInfo().name.string
        for update in updates {
            if let refusal = update.domain.refusal(isDefinition: update.isDefinition) { throw refusal }
        }
        do { try store.save(machine: name, updates.map(\.stored)) } catch {
            log.error("the database: \(error)")
            throw RemoteError(.systemError, "the change cannot be saved: \(error)")
        }
        for update in updates {
            (update.domain.origin, update.domain.autostart) = (update.origin, update.autostart)
            update.domain.leftOut = nil
        }
    }

    /// Takes what was saved of partitions that have not been there before. False: it cannot be read now, and is tried again with
    /// the next news of the machine.
    func loadDomains() -> Bool {
        let new = machine.partitions.filter { !$0.isLoaded }
        guard let name = machine.info?.name.string, !new.isEmpty else { return true }
        leaveOut(clashingWith: new)
        let rows: [Result<StoredDomain, UnreadableRow>]
        do { rows = try store.load(machine: name) } catch {
            // Once, not each second.
            if loadFault != "\(error)" { log.error("the database: \(error)") }
            loadFault = "\(error)"
            return false
        }
        loadFault = nil
        for domain in new { domain.isLoaded = true }
        for row in rows {
            do throws(UnreadableRow) {
                let stored = try row.get()
                guard let domain = machine.domain(partition: stored.partition) else {
                    say("the machine has no partition \(stored.partition) any more: its domain is left out", .warning)
                    continue
                }
                if new.contains(where: { $0 === domain }) { take(stored, domain) }
            } catch {
                say("the database: \(error)")
                let domain = error.partition.flatMap(machine.domain(partition:))
                if let domain, new.contains(where: { $0 === domain }) { domain.leftOut = "\(error)" }
            }
        }
        return true
    }

    /// A manifest with another partition may give it the name of a domain that was defined before: the manifest comes first.
    private func leaveOut(clashingWith new: [Domain]) {
        for domain in machine.partitions where !new.contains(where: { $0 === domain }) {
            guard let definition = domain.definition,
                let clash = machine.clash(definition, for: domain, isMove: false)
            else { continue }
            say("the definition for partition \(domain.partition) is left out", because: "\(clash)")
            // What is saved of its partition is not of a domain that goes when it stops.
            if domain.isPersistent { domain.leftOut = "\(clash)" }
            domain.autostart = false
            domain.origin = domain.isPersistent ? .partition : .transient(nil)
        }
    }

    /// Says something of what is saved, if it has not been said. The reason counts for nothing: it has names that the machine tells,
    /// of which there is no end.
    private func say(_ what: String, _ level: Logger.Level = .error, because reason: String? = nil) {
        guard said.insert(what).inserted else { return }
        log.log(level: level, "\(what)\(reason.map { ": \($0)" } ?? "")")
    }

    /// Starts what is to be started with the machine.
    func startDomains() {
        for domain in machine.domains where domain.autostart && domain.info.state == .stopped && domain.info.starts == 0
        {
            if let fault = domain.startFault {
                log.error("\(domain.name): not started with the machine: \(fault)")
                continue
            }
            do throws(RemoteError) { try audit?.begin(autostart: domain) } catch {
                log.error("\(domain.name): not started with the machine: \(error)")
                continue
            }
            log.info("\(domain.name): started with the machine")
            change(.start, domain) { [log, audit] result in
                guard case .failure(let error) = result else { return audit?.note(autostart: domain, nil) ?? () }
                audit?.note(autostart: domain, error.code)
                log.error("\(domain.name): \(error)")
            }
        }
    }

    private func take(_ stored: StoredDomain, _ domain: Domain) {
        if let xml = stored.xml {
            do throws(RemoteError) {
                let definition = try DomainDefinition(xml) { _ in nil }
                if let clash = machine.clash(definition, for: domain, isMove: false) { throw clash }
                domain.origin = .defined(definition)
            } catch {
                domain.leftOut = "\(error)"
                return say("the definition for partition \(stored.partition) is left out", because: "\(error)")
            }
        } else if stored.isUndefined {
            domain.origin = domain.isActive ? .transient(nil) : .none
        }
        domain.autostart = stored.autostart
    }
}
