import ArgumentParser
import Foundation
import Keys
import ManifestFile

/// `bulkhead keys`: what an owner signs with.
struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Make and keep the owner's keys.",
        discussion: """
            An owner has two kinds of keys in a folder. The manifest key (LMS, RFC 8554 and SP 800-208) signs manifests; the \
            hypervisor checks it, and no quantum computer helps against it. The keys of Secure Boot (RSA-3072) sign \
            BULKHEAD.EFI, which the firmware checks.

              bulkhead keys init owner
              bulkhead image --manifest machine.yaml --keys owner --output disk.img
              bulkhead image verify disk.img --keys owner

            An LMS key signs a limited number of times, and a part of it, a leaf, must never be used twice: then anybody could \
            sign. So: never copy the folder and never restore it from a copy of the disk. `keys backup` makes a copy that \
            may be used, with signatures of its own. What SP 800-208 asks beyond that, a hardware module that keys never leave, \
            a folder is not.

            Exit codes: 0 done, 1 refused, 64 the command line is wrong.
            """,
        subcommands: [
            KeysInit.self, KeysShow.self, KeysSign.self, KeysRotate.self, KeysRevoke.self, KeysBackup.self,
        ])
}

/// The folder of a command, and what opens its private files.
struct KeyOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A file whose first line is the passphrase. Default: it is asked for.", valueName: "file"))
    var passphraseFile: String?

    /// - Parameter isNew: it is asked for twice.
    func passphrase(isNew: Bool = false) throws -> Passphrase {
        if let file = passphraseFile {
            let text = try String(contentsOfFile: file, encoding: .utf8)
            return try checked(String(text.prefix { !$0.isNewline }))
        }
        let first = try ask("Passphrase: ")
        guard try !isNew || ask("Once more: ") == first else { throw KeyError.system("these are two passphrases") }
        return try checked(first)
    }

    private func checked(_ text: String) throws -> Passphrase {
        guard text.utf8.count >= 8 else { throw KeyError.system("a passphrase has 8 bytes at least") }
        return Passphrase(text)
    }

    private func ask(_ words: String) throws -> String {
        guard let line = unsafe getpass(words) else {
            throw KeyError.system("nobody can be asked for the passphrase here; name a file by --passphrase-file")
        }
        return unsafe String(cString: line)
    }
}

struct KeysInit: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make a set of keys in a new folder.",
        discussion: """
            The height says how often the manifest key can sign: 2 to its power. 10 (1024 signatures) takes a second, 15 \
            (32768) half a minute. A folder in which there is anything is refused: keys are never replaced by this. The folder \
            appears whole or not at all; when this is killed, .NAME.new-... beside it is what was made: remove it.
            """)
    @Argument(help: "The folder.") var folder: String
    @Option(help: "Levels of the manifest key's tree: 5, 10, 15 or 20.") var height = 10
    @Option(help: "Whose keys they are, in the certificates of Secure Boot.") var name = "Bulkhead owner"
    @Flag(help: "Leave the keys of Secure Boot out.") var noSecureBoot = false
    @OptionGroup var options: KeyOptions

    func run() throws {
        let keys = KeyFolder(folder), passphrase = try options.passphrase(isNew: true)
        try keys.create(height: height, passphrase, secureBoot: noSecureBoot ? nil : name)
        let summary = try keys.summary()
        print("\(folder): manifest key \(summary.fingerprint), \(summary.algorithm), \(summary.left) signatures")
        if !noSecureBoot { print("\(folder)/secure-boot: PK, KEK, db (RSA-3072, X.509)") }
        print("Keep the passphrase and a backup (`bulkhead keys backup`) apart from this folder.")
    }
}

struct KeysShow: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Say what a set of keys is.")
    @Argument(help: "The folder.") var folder: String
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let summary = try KeyFolder(folder).summary()
        if json { return print(try jsonText(summary)) }
        print("manifest key  \(summary.fingerprint)\(summary.isRevoked ? " (revoked)" : "")")
        print("algorithm     \(summary.algorithm)")
        print("signatures    \(summary.left) left of \(summary.signatures); the next is number \(summary.next)")
        for key in summary.revoked where key != summary.fingerprint { print("revoked       \(key)") }
    }
}

struct KeysSign: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign", abstract: "Sign compiled manifests; `bulkhead image --keys` does so by itself.",
        discussion: "Each FILE.signed is a COSE_Sign1 message (RFC 9052) with an HSS-LMS signature (RFC 8778).")
    @Argument(help: "The folder of keys.") var folder: String
    @Argument(help: "Compiled manifests.") var files: [String]
    @OptionGroup var options: KeyOptions

    func run() throws {
        let passphrase = try options.passphrase()
        for file in files {
            let message = Array(try Data(contentsOf: URL(filePath: file)))
            let signed = try KeyFolder(folder).sign([message], for: "manifest", passphrase)[0]
            try Data(signed).write(to: URL(filePath: file + ".signed"))
            print("\(file).signed: \(signed.count) bytes")
        }
    }
}

struct KeysRotate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate", abstract: "Make a new manifest key in the place of the present one.",
        discussion: """
            The old one goes to old/ and is noted there as revoked: `keys sign` refuses to sign with it, and `image verify` with that \
            folder refuses what it has signed. Machines take the new one with their next image, which carries it; until then \
            they start what the old one signed.
            """)
    @Argument(help: "The folder.") var folder: String
    @Option(help: "Levels of the new key's tree: 5, 10, 15 or 20.") var height = 10
    @OptionGroup var options: KeyOptions

    func run() throws {
        let keys = KeyFolder(folder)
        try keys.rotate(height: height, try options.passphrase())
        print("\(folder): manifest key \(try keys.summary().fingerprint)")
    }
}

struct KeysRevoke: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Note that the present manifest key must not be trusted any more.",
        discussion: """
            It signs nothing from then on, and `bulkhead image verify` refuses what it has signed. A machine trusts the key \
            that its BULKHEAD.EFI carries: give it an image with a new one (`keys rotate`), and forbid the old BULKHEAD.EFI by \
            its hash in Secure Boot's dbx, or whoever has the old one can start it.
            """)
    @Argument(help: "The folder.") var folder: String

    func run() throws { print("revoked: \(try KeyFolder(folder).revoke())") }
}

struct KeysBackup: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Copy the manifest key, with signatures of the copy's own.",
        discussion: """
            The copy gets the last signatures that are left; this folder keeps the others. So both can sign and neither uses a \
            leaf of the other. Never copy the folder by other means: two copies with the same signatures left give the key \
            away. The copy opens by the same passphrase. It has the list of revoked keys and the keys of Secure Boot too; \
            not old/, which signs nothing. A revoked key is not copied. The copy appears whole or not at all; when this is killed, \
            .NAME.new-... beside it is what was made, with the key's encrypted parts: remove it. Its signatures may be lost.
            """)
    @Argument(help: "The folder.") var folder: String
    @Argument(help: "The copy, a new folder.") var copy: String
    @Option(help: "How many signatures the copy gets.") var leaves = 64
    @OptionGroup var options: KeyOptions

    func run() throws {
        try KeyFolder(folder).backup(to: copy, leaves: leaves, try options.passphrase())
        print("\(copy): \(leaves) signatures; \(try KeyFolder(folder).summary().left) are left in \(folder)")
    }
}
