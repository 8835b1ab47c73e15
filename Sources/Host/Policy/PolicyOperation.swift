/// What a policy allows on a partition.
public enum PolicyOperation: String, CaseIterable, Sendable {
    /// It is listed, described, and its events are told.
    case read
    /// What the guest writes is read, and something is typed.
    case console
    case start, stop, pause, restart
    /// Its definition, its metadata, and whether it starts with the machine.
    case define

    /// What a call of libvirt's is, of those that name a domain first and change something; nil: nothing that is allowed to anybody.
    public init?(procedure name: String) {
        switch name {
        case "domain_open_console": self = .console
        case "domain_create", "domain_create_with_flags": self = .start
        case "domain_destroy", "domain_destroy_flags", "domain_shutdown", "domain_shutdown_flags": self = .stop
        case "domain_suspend", "domain_resume": self = .pause
        case "domain_reset", "domain_reboot": self = .restart
        case "domain_undefine", "domain_undefine_flags", "domain_set_autostart", "domain_set_metadata": self = .define
        default: return nil
        }
    }
}
