import Keys

/// Makes an authority of a test's own in a folder, with a server `box` on this host and some clients.
func makeAuthority(_ folder: String, clients: [String]) throws {
    let authority = CertificateAuthority(folder), passphrase = Passphrase("correct horse")
    try authority.create(name: "Test", passphrase)
    _ = try authority.issue(server: "box", hosts: ["127.0.0.1"], days: 30, passphrase)
    for name in clients { _ = try authority.issue(client: name, days: 30, passphrase) }
}
