import ArgumentParser
import Foundation
import Keys
import Machines
import ManifestFile
import ManifestRules
import SignedImages

struct ImageVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check a signed boot volume, object by object, as the machine will.",
        discussion: """
            Names each object that is not the owner's. A machine with Secure Boot and this owner's keys starts the volume where \
            all are good, and nothing where the hypervisor or the manifest is not; a changed image keeps its partition from starting.

            Secure Boot's signature covers the hypervisor. Without it the hypervisor is compared with the one that this checkout \
            has built, or with --program; where there is none it is reported as not checked.

            Exit codes: 0 all are good, 1 one is not or was not checked, 64 the command line is wrong.
            """)
    @Argument(help: "The volume: a disk image or a folder.") var volume: String
    @Option(help: ArgumentHelp("The owner's keys; the private parts are not needed.", valueName: "folder"))
    var keys: String
    @Option(
        help: ArgumentHelp(
            "The BULKHEAD.EFI that it should be, for keys without Secure Boot's (default: the checkout's).",
            valueName: "file"))
    var program: String?
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let reader = try VolumeReader(URL(filePath: volume))
        let check = try BootVolumeCheck(reader, KeyFolder(keys), programOption: program)
        if json {
            print(try jsonText(check.objects))
        } else {
            for object in check.objects {
                let mark = object.isGood ? "good" : object.isChecked ? "BAD " : "?   "
                print(printable("\(mark)  \(object.name): \(object.words)"))
            }
        }
        if !check.isGood { throw ExitCode(1) }
    }
}

extension BootVolumeCheck {
    /// - Parameter programOption: nil: it should be the BULKHEAD.EFI that this checkout has built.
    init(_ reader: VolumeReader, _ keys: KeyFolder, programOption: String?) throws {
        let program = programOption.map { URL(filePath: $0) } ?? (try? Workspace.current())?.hypervisor
        try self.init(reader, keys, program: program)
    }
}
