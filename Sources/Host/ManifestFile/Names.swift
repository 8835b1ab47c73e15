import Manifest

extension ControlOperations {
    /// The operations as the manifest file names them.
    public static let names: [(name: String, operation: ControlOperations)] = [
        ("start", .start), ("stop", .stop), ("pause", .pause), ("resume", .resume), ("restart", .restart),
        ("console-read", .consoleRead), ("console-write", .consoleWrite), ("statistics", .statistics),
        ("self-check", .selfCheck),
    ]

    /// The names of the operations in this set.
    public var nameList: [String] { Self.names.filter { contains($0.operation) }.map(\.name) }
}

extension Acceptances {
    /// What can be accepted, as the manifest file names it.
    public static let names: [(name: String, value: Acceptances)] = [
        ("split-smt", .splitSMT), ("shared-cache", .sharedCache),
    ]

    /// The names of the members of this set.
    public var nameList: [String] { Self.names.filter { contains($0.value) }.map(\.name) }
}

extension TrustAnchors {
    /// What can be required, as the manifest file names it.
    public static let names: [(name: String, value: TrustAnchors)] = [("secure-boot", .secureBoot), ("tpm", .tpm)]

    /// The names of the members of this set.
    public var nameList: [String] { Self.names.filter { contains($0.value) }.map(\.name) }
}

extension LifecycleAction {
    static let names: [(name: String, value: LifecycleAction)] = [("stop", .stop), ("restart", .restart)]
    public var name: String { self == .stop ? "stop" : "restart" }
}

extension WatchResponse {
    static let names: [(name: String, value: WatchResponse)] = [
        ("off", .off), ("report", .report), ("refuse", .refuse), ("freeze", .freeze), ("kill", .kill),
        ("restart", .restart),
    ]
    public var name: String { Self.names.first { $0.value == self }?.name ?? "off" }
}

extension WatchSpec {
    /// As the manifest file has it.
    public var yaml: String { "kernel: \(response.name)" + (lockAfter == 0 ? "" : ", lock-after: \(lockAfter)s") }
}

extension ManagementLink {
    static let names: [(name: String, value: ManagementLink)] = [("none", .none), ("serial", .serial)]
    public var name: String { self == .none ? "none" : "serial" }
}
