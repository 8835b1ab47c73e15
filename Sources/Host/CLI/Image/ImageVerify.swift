import ArgumentParser
import Foundation
import Keys
import Machines
import SignedImages

struct ImageVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check a signed boot volume, object by object, as the machine will.",
        discussion: """
            Names each object that is not the owner's. A machine with Secure Boot and this owner's keys starts the volume where \
            all are good, and nothing where the hypervisor or the manifest is not; a changed image keeps its partition from starting.

            Exit codes: 0 all are good, 1 one is not, 64 the command line is wrong.
            """)
    @Argument(help: "The volume: a disk image or a folder.") var volume: String
    @Option(help: ArgumentHelp("The owner's keys; the private parts are not needed.", valueName: "folder"))
    var keys: String
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let check = try BootVolumeCheck(VolumeReader(URL(filePath: volume)), KeyFolder(keys))
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            print(String(decoding: try encoder.encode(check.objects), as: UTF8.self))
        } else {
            for object in check.objects { print("\(object.isGood ? "good" : "BAD ")  \(object.name): \(object.words)") }
        }
        if !check.isGood { throw ExitCode(1) }
    }
}
