import ArgumentParser
import Foundation
import Inventory
import Machines
import Manifest
import ManifestFile

struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Propose a manifest for a machine, and draw it.",
        discussion: """
            Say what each partition needs; which cores it gets follows from the inventory. Threads of one physical core \
            stay together, a partition stays within one last-level cache and package where it fits, and the \
            housekeeping core is given away last; ways of a last-level cache that partitions share are divided in proportion to \
            cores, where the machine can and nobody asks for some. What the machine cannot satisfy is refused in the hypervisor's words.

              bulkhead inventory --json > machine.json
              bulkhead plan machine.json \\
                --partition control:cores=1,memory=512M,device=00:03.0 \\
                --partition work:cores=4,memory=4G,device=01:00.0,virtual-functions=2 --output machine.yaml

            A partition is NAME: and, with commas between them:
              cores=N               how many (default 1)
              memory=SIZE           512M, 4G
              device=BUS:DEV.FN     a PCI function; repeat it for more, each followed by what belongs to it:
              virtual-functions=N   how many of its virtual functions the function before enables (SR-IOV)
              reset=none            the function before cannot be reset, and you accept that
              kernel=PATH           what it boots; initrd=PATH
              l3=WAYS, l2=WAYS      of each cache: 4 ways, 25% or exclusive; bandwidth=40% (Intel), 12 GB/s (AMD)
              memory-key=preferred  a key of its own for its memory, or required
              accept=split-smt      another owner may have the other thread of its physical cores; accept=shared-cache
              permit=OP+OP          what a manager may ask of it, all (default) or none
              on-crash=stop         or restart (default)
              command-line=TEXT     the last one: all that follows is the guest's command line

            --kernel, --initrd, --permit, --on-crash and --command-line say it for all partitions that do not. Without \
            them, the manifest boots the guest images of this checkout and can be managed.

            The manifest goes to standard output and the picture to standard error; with --output the manifest goes \
            to the file and the picture to standard output. Exit codes: 0 planned, 1 refused, 64 the command line is \
            wrong.
            """)

    @Argument(help: ArgumentHelp("What `bulkhead inventory --json` printed.", valueName: "inventory")) var file: String
    @Option(
        name: .long, parsing: .singleValue,
        help: ArgumentHelp("A partition; repeat it for more.", valueName: "name:cores=1,memory=512M,..."))
    var partition: [String]
    @Option(help: "The machine's name in the manifest.") var name: String?
    @Option(help: "The core that answers management requests.") var housekeeping = 0
    @Option(help: "How a manager reaches the hypervisor: serial or none.") var link = "serial"
    @Option(help: ArgumentHelp("What a manager may ask of partitions: all, none, or operations.", valueName: "op,op"))
    var permit: String?
    @Option(help: "What happens when a guest crashes: restart or stop.") var onCrash: String?
    @Option(help: "Partitions' command line.") var commandLine: String?
    @Option(help: "The kernel that partitions boot.") var kernel: String?
    @Option(help: "Its initial RAM disk.") var initrd: String?
    @Option(name: [.short, .long], help: "The manifest to write.") var output: String?

    private var defaults: PartitionDemand.Defaults {
        get throws {
            var defaults = PartitionDemand.Defaults()
            do throws(ValueError) {
                if let permit {
                    defaults.permits = try PartitionDemand.permits(permit.split(separator: ",").map(String.init))
                }
                if let onCrash { defaults.onCrash = try PartitionDemand.action(onCrash) }
            } catch { throw ValidationError(error.reason + (error.hint.map { "; \($0)" } ?? "")) }
            if let kernel {
                guard let path = ImagePath(kernel) else { throw ValidationError("--kernel is too long") }
                (defaults.kernel, defaults.initrd) = (path, ImagePath())
            }
            if let initrd {
                guard let path = ImagePath(initrd) else { throw ValidationError("--initrd is too long") }
                defaults.initrd = path
            }
            if let commandLine {
                guard defaults.setCommandLine(commandLine) else { throw ValidationError("--command-line is too long") }
            }
            return defaults
        }
    }

    func validate() throws {
        if partition.isEmpty { throw ValidationError("name at least one --partition") }
        guard ["serial", "none"].contains(link) else { throw ValidationError("--link takes serial or none") }
        let defaults = try defaults
        for text in partition {
            do throws(PartitionDemand.Malformed) { _ = try PartitionDemand(text, defaults) } catch {
                throw ValidationError(error.description)
            }
        }
        guard 0..<64 ~= housekeeping else { throw ValidationError("cores are numbered 0 to 63") }
    }

    func run() throws {
        let inventory = try read()
        let defaults = try defaults
        let demands = try partition.map { try PartitionDemand($0, defaults) }
        let manifest: Manifest
        var planner = Planner(inventory, housekeeping: housekeeping)
        planner.link = link == "none" ? .none : .serial
        do throws(Planner.Refused) {
            manifest = try planner.manifest(name: name ?? inventory.machineName, demands)
        } catch { throw Self.failed("refused: \(error)") }
        let addresses = manifest.partitionList.flatMap { $0.devices.list.map(\.address.text) }
        for note in planner.notes(manifest) + inventory.doubts(about: addresses, of: manifest) {
            Manage.fail("note: \(note)")
        }
        let yaml =
            "# Proposed from the inventory of this machine. Next: bulkhead manifest check --machine INVENTORY THIS-FILE\n"
            + manifestYAML(manifest)
        let picture = ManifestPicture(manifest).text
        guard let output else {
            print(yaml, terminator: "")
            return FileHandle.standardError.write(Data(picture.utf8))
        }
        try SafeFile.write(Data(yaml.utf8), to: output)
        print(picture, terminator: "")
    }

    private static func failed(_ words: String) -> ExitCode {
        Manage.fail(words)
        return ExitCode(1)
    }

    private func read() throws -> Inventory {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw Self.failed("\(file) cannot be read")
        }
        do { return try Inventory(json: data) } catch {
            throw Self.failed("\(file) is not what `bulkhead inventory --json` prints")
        }
    }
}
