import Foundation
import Keys

/// What reaches a control partition from outside: certificates of an authority that is made for one run, and a port of the loopback
/// interface that leads to the daemon in the partition.
///
///     authority/clients/NAME   what a client shows, as libvirt takes it as `pkipath`
///     authority/servers/box    what the daemon shows
///     control.cpio             the partition's initial RAM disk. It has the server's key
public struct ControlAccess: Sendable {
    /// Where all of it is. Nobody else is to read it.
    public let folder: URL
    /// Leads to the daemon.
    public let port: UInt16

    /// Who gets a certificate. What they may is in `Examples/control/policy.yaml`, which does not know the last one.
    static let clients = ["alice", "bob", "carol", "mallory"]
    /// The address that the guest gives its card, and the daemon's port.
    private static let inside = "10.0.2.15:16514"

    private var authority: URL { folder.appending(path: "authority") }

    /// Makes the authority, its certificates (good for 30 days) and the partition's initial RAM disk. Nobody knows the authority's
    /// passphrase: it issues nothing more.
    /// - Parameter progress: told what is going on, a line a step.
    /// - Throws: `MachineError.missing` where there is no daemon to put into it, `MachineError.program` with what the recipe has
    ///   printed, `MachineError.impossible` where certificates cannot be made.
    public func make(_ workspace: Workspace, progress: (String) -> Void = { _ in }) throws {
        let daemon = workspace.root.appending(path: ".build/debug/bulkheadd")
        try MachineError.require([daemon], hint: "./bulkhead demo --example control builds it")
        progress("making certificates in \(folder.path), which nobody else can read")
        do throws(KeyError) {
            let authority = CertificateAuthority(authority.path), passphrase = Passphrase(UUID().uuidString)
            try authority.create(name: "Example", passphrase)
            _ = try authority.issue(server: "box", hosts: ["127.0.0.1"], days: 30, passphrase)
            for client in Self.clients { _ = try authority.issue(client: client, days: 30, passphrase) }
        } catch { throw MachineError.impossible("no certificates in \(folder.path): \(error.reason)") }
        progress("building the control partition's guest out of bulkheadd and its certificate")
        try Tool.run(
            workspace.root.appending(path: "Guests/build-control").path,
            [
                daemon.path, authority.appending(path: "servers/box").path,
                workspace.root.appending(path: "Examples/control/policy.yaml").path,
                folder.appending(path: "control.cpio").path,
            ])
    }

    /// The emulator's own network: nothing outside is reached from inside, and of the inside the daemon alone.
    func network(_ name: String) -> String {
        "user,id=\(name),restrict=on,hostfwd=tcp:127.0.0.1:\(port)-\(Self.inside)"
    }

    /// What libvirt's clients take as the URI of a connection with this client's certificate.
    public func uri(_ client: String) -> String {
        // What a shell or a URI would take for its own is written as %XX.
        let plain = CharacterSet(charactersIn: "a"..."z").union(.init(charactersIn: "A"..."Z")).union(
            .init(charactersIn: "0123456789/-._~"))
        let path = authority.appending(path: "clients/\(client)").path
        let pkipath = path.addingPercentEncoding(withAllowedCharacters: plain) ?? path
        return "bulkhead+tls://127.0.0.1:\(port)/system?pkipath=\(pkipath)"
    }
}
