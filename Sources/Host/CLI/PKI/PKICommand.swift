import ArgumentParser
import Foundation
import Keys
import Reports

/// `bulkhead pki`: certificates for the daemon's clients.
struct PKICommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pki", abstract: "Make and revoke the certificates of the daemon's clients.",
        discussion: """
            Over TLS a client is whose certificate it shows. An authority is a folder; what it has made is in its list, by which the \
            daemon goes: a certificate that is not in it does not count, whoever has signed it.

              bulkhead pki init authority
              bulkhead pki issue authority box-1 --server 192.0.2.7,box-1.example
              bulkhead pki issue authority alice
              bulkheadd --tls 0.0.0.0:16514 --pki authority/servers/box-1 --policy policy.yaml
              virsh -c 'bulkhead+tls://box-1.example/system?pkipath=authority/clients/alice' list --all
              bulkhead pki revoke authority alice

            Where the daemon is another machine, give it servers/NAME; after each issue and revoke, copy servers/NAME/certificates to \
            it again, beside the old one, and rename it. A revoked client's next call is refused.

            Exit codes: 0 done, 1 refused, 64 the command line is wrong.
            """,
        subcommands: [Init.self, Issue.self, Revoke.self, List.self])

    struct Init: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make an authority in a new folder.",
            discussion: """
                Its key (P-256) is encrypted with what scrypt makes of the passphrase; its certificate is good for ten years. The \
                folder appears whole or not at all.
                """)
        @Argument(help: "The folder.") var folder: String
        @Option(help: "What its certificate calls it.") var name = "Bulkhead authority"
        @OptionGroup var options: KeyOptions

        func run() throws {
            try CertificateAuthority(folder).create(name: name, try options.passphrase(isNew: true))
            print("\(folder): an authority; cacert.pem is its certificate")
        }
    }

    struct Issue: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a certificate for a client, or for a server.",
            discussion: """
                A client gets clients/NAME, with the files that libvirt's clients look for in their pkipath: hand the folder over by a \
                way on which nobody reads it, and remove its clientkey.pem here. Who makes his key himself gives a --request \
                (openssl req -new), of which the public key alone is taken. A client that has a certificate gets no \
                second one of the name: revoke the first.
                """)
        @Argument(help: "The authority's folder.") var folder: String
        @Argument(help: "Who it is: policies name certificates so.") var name: String
        @Option(
            help: ArgumentHelp(
                "For a server: the names and addresses by which clients reach it, with commas between.",
                valueName: "hosts"))
        var server: String?
        @Option(help: ArgumentHelp("A certificate request, in PEM.", valueName: "file")) var request: String?
        @Option(help: "For how many days it is good.") var days = 365
        @OptionGroup var options: KeyOptions

        func validate() throws {
            guard server == nil || request == nil else { throw ValidationError("--request is for clients") }
            guard (1...CertificateAuthority.maxDays).contains(days) else {
                throw ValidationError("--days is 1 to \(CertificateAuthority.maxDays)")
            }
        }

        func run() throws {
            let authority = CertificateAuthority(folder)
            let content = try request.map { try Data(contentsOf: URL(filePath: $0)) }
            let passphrase = try options.passphrase()
            let entry: CertificateList.Entry
            if let server {
                let hosts = server.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
                entry = try authority.issue(server: name, hosts: hosts, days: days, passphrase)
            } else {
                entry = try authority.issue(client: name, request: content, days: days, passphrase)
            }
            print("\(folder)/\(server == nil ? "clients" : "servers")/\(name): good until \(entry.until)")
        }
    }

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Note that a client's certificate counts no more.",
            discussion: "A daemon that reads this list, or a copy that was renewed, refuses the client's next call.")
        @Argument(help: "The authority's folder.") var folder: String
        @Argument(help: "The client.") var name: String

        func run() throws {
            let revoked = try CertificateAuthority(folder).revoke(name)
            for entry in revoked { print("revoked: \(entry.name), \(entry.fingerprint)") }
            if revoked.isEmpty { print("\(name) was revoked before; the lists are written anew") }
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the certificates that an authority has made.")
        @Argument(help: "The authority's folder.") var folder: String
        @Flag(help: "Print JSON.") var json = false

        private struct Row: Encodable { var name, state, until, fingerprint: String }

        func run() throws {
            let rows = try CertificateAuthority(folder).list().entries.map {
                Row(name: $0.name, state: $0.state.rawValue, until: $0.until, fingerprint: $0.fingerprint)
            }
            if json { return print(try jsonText(rows)) }
            for row in rows {
                let name = row.name.padding(toLength: max(row.name.count, 20), withPad: " ", startingAt: 0)
                let state = row.state.padding(toLength: 8, withPad: " ", startingAt: 0)
                print("\(name) \(state) until \(row.until)  \(row.fingerprint)")
            }
        }
    }
}
