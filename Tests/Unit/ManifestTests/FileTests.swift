import Foundation
import Manifest
import ManifestFile
import Testing

private let good = """
    name: sample
    machine: {cores: 4, memory: 4G}
    housekeeping: 0
    link: serial
    partitions:
      - name: first
        cores: [1]
        memory: 512M
        image: {kernel: vmlinux-rt, initrd: first.cpio}
        command-line: console=ttyS0 quiet
        on-crash: restart
        permit: all
      - name: second
        cores: 2-3
        memory: {size: 1G, at: 0x40000000}
        image: guests/vmlinux
        console: false
        autostart: false
        on-poweroff: restart
        on-reboot: stop
        permit: [start, statistics]
    """

/// The problems of a file, one line each.
func refusals(_ text: String, images: ImageSource = .unchecked) -> [String] {
    do throws(ManifestRefused) {
        _ = try parseManifest(text, file: "m.yaml", images: images)
        return []
    } catch {
        return error.problems.map(\.description)
    }
}

@Suite struct FileTests {
    @Test func everyKey() throws {
        let manifest = try parsed(good)
        #expect(manifest.name.string == "sample")
        #expect(manifest.machineCores == 4)
        #expect(manifest.machineMemory == 4 * gibibyte)
        #expect(manifest.housekeeping == 0)
        #expect(manifest.link == .serial)
        try #require(manifest.partitionCount == 2)
        let first = manifest.partitions[0]
        #expect(first.name.string == "first")
        #expect(first.cores.list == [1])
        #expect(first.memorySize == 512 * mebibyte)
        #expect(first.memoryBase == 0)
        #expect(first.image.string == "vmlinux-rt")
        #expect(first.initrd.string == "first.cpio")
        #expect(first.commandLine.string == "console=ttyS0 quiet")
        #expect(first.onCrash == .restart)
        #expect(first.permits == .all)
        let second = manifest.partitions[1]
        #expect(second.cores.list == [2, 3])
        #expect(second.memorySize == gibibyte)
        #expect(second.memoryBase == 0x4000_0000)
        #expect(second.image.string == "guests/vmlinux")
        #expect(second.initrd.isEmpty)
        #expect(!second.console)
        #expect(!second.autostart)
        #expect(second.onPoweroff == .restart)
        #expect(second.onReboot == .stop)
        #expect(second.permits == ControlOperations.start.union(.statistics))
        #expect(manifest.imagePaths == ["vmlinux-rt", "first.cpio", "guests/vmlinux"])
    }

    @Test func defaults() throws {
        let manifest = try parsed(
            """
            name: small
            housekeeping: 0
            partitions:
              - {name: only, cores: 2, memory: 64M, image: kernel}
            """)
        #expect(manifest.machineCores == 3)
        #expect(manifest.machineMemory == 64 * mebibyte)
        #expect(manifest.link == .none)
        let only = manifest.partitions[0]
        #expect(only.commandLine.isEmpty)
        #expect(only.console)
        #expect(only.autostart)
        #expect(only.onPoweroff == .stop)
        #expect(only.onReboot == .restart)
        #expect(only.onCrash == .stop)
        #expect(only.permits.isEmpty)
    }

    @Test func aConsoleMayBeVirtio() throws {
        let text =
            "name: small\nhousekeeping: 0\npartitions: [{name: only, cores: 2, memory: 64M, image: kernel, console: "
        let only = try parsed(text + "virtio}]").partitions[0]
        #expect(only.console && only.virtio == .console && only.hasBus)
        for word in ["true", "false"] {
            let other = try parsed(text + word + "}]").partitions[0]
            #expect(other.virtio.isEmpty && !other.hasBus && other.console == (word == "true"))
        }
        #expect(manifestYAML(try parsed(text + "virtio}]")).contains("    console: virtio\n"))
    }

    /// One line of the good file changed, and all that is then said.
    static let changes: [(String, String, [String])] = [
        (
            "    cores: [1]", "    cpus: [1]",
            [
                "m.yaml:6: a partition has no \"cores\"; add a line \"cores: ...\"",
                "m.yaml:7: unknown key \"cpus\" in a partition; did you mean \"cores\"?",
            ]
        ),
        (
            "    on-crash: restart", "    on_crash: restart",
            ["m.yaml:11: unknown key \"on_crash\" in a partition; did you mean \"on-crash\"?"]
        ),
        (
            "    on-crash: restart", "    on-crash: halt",
            ["m.yaml:11: \"halt\" is not an action; write stop or restart"]
        ),
        (
            "    on-crash: restart", "    on-crash: restrat",
            ["m.yaml:11: \"restrat\" is not an action; did you mean restart?"]
        ),
        ("    on-crash: restart", "    on-crash:", ["m.yaml:11: \"on-crash\" has no value"]),
        ("link: serial", "link: serail", ["m.yaml:4: \"serail\" is not a management link; did you mean serial?"]),
        (
            "link: serial", "colour: red",
            [
                "m.yaml:4: unknown key \"colour\" in the manifest; known here: name, machine, housekeeping, link, require, security-version, partitions, channels"
            ]
        ),
        (
            "housekeeping: 0", "housekeeping: 4",
            ["m.yaml:3: the housekeeping core is 4, but the machine's cores are 0 to 3"]
        ),
        ("housekeeping: 0", "housekeeping: 64", ["m.yaml:3: there is no core 64; cores are numbered 0 to 63"]),
        ("housekeeping: 0", "housekeeping: -1", ["m.yaml:3: \"-1\" is not a core number; write 2, [1, 2] or 1-2"]),
        ("    memory: 512M", "    memory: 512", ["m.yaml:8: the size \"512\" has no unit; did you mean 512M?"]),
        (
            "    memory: 512M", "    memory: 512MB",
            ["m.yaml:8: the unit of \"512MB\" may mean powers of ten or of two; did you mean 512M, in powers of two?"]
        ),
        (
            "    memory: 512M", "    memory: 1.5G",
            ["m.yaml:8: \"1.5G\" is not a size; write a whole number and a unit: 512M, 1G"]
        ),
        ("    memory: 512M", "    memory: 99999999999T", ["m.yaml:8: \"99999999999T\" is larger than any memory"]),
        (
            "    memory: 512M", "    memory: 15M",
            ["m.yaml:8: the memory of partition \"first\" is 15 MiB; the least is 16 MiB"]
        ),
        (
            "    memory: 512M", "    memory: 5G",
            ["m.yaml:2: the partitions take 6 GiB of memory together, but the machine is only required to have 4 GiB"]
        ),
        (
            "    memory: 512M", "    memory: {size: 512M, at: 0x30000000}",
            [
                "m.yaml:15: the memory of partition \"first\" and of partition \"second\" overlaps at 0x40000000; "
                    + "the other one is in line 8"
            ]
        ),
        (
            "    memory: 512M", "    memory: {size: 512M, at: 0}",
            ["m.yaml:8: \"0\" is not an address; write 0x40000000 or 1G"]
        ),
        (
            "    memory: 512M", "    memory: {size: 512M, at: 0x0}",
            ["m.yaml:8: address 0 cannot be given to a partition; leave \"at\" out to let the hypervisor choose"]
        ),
        (
            "    memory: 512M", "    memory: {size: 512M, at: 0x1000}",
            [
                "m.yaml:8: the memory of partition \"first\" starts at 0x1000, which is not a multiple of 2 MiB (0x200000)"
            ]
        ),
        ("    cores: [1]", "    cores: []", ["m.yaml:7: partition \"first\" has no cores; at least one is needed"]),
        ("    cores: [1]", "    cores: [1, 1]", ["m.yaml:7: core 1 is named twice"]),
        (
            "    cores: [1]", "    cores: 3-1",
            ["m.yaml:7: \"3-1\" is not a range of cores; write the lower core first: 1-2"]
        ),
        ("    cores: [1]", "    cores: one", ["m.yaml:7: \"one\" is not a core number; write 2, [1, 2] or 1-2"]),
        (
            "    cores: [1]", "    cores: 7",
            ["m.yaml:7: partition \"first\" claims core 7, but the machine's cores are 0 to 3"]
        ),
        (
            "    cores: [1]", "    cores: [1, 2]",
            [
                "m.yaml:14: core 2 is claimed by partition \"first\" and by partition \"second\"; "
                    + "a core belongs to one partition; the other one is in line 7"
            ]
        ),
        (
            "  - name: second", "  - name: first",
            ["m.yaml:13: partitions number 1 and 2 have the same name \"first\"; the other one is in line 6"]
        ),
        (
            "  - name: first", "  - name: First",
            [
                "m.yaml:6: the name of partition \"First\" has the character 'F'; "
                    + "a name is 1 to 31 of a-z, 0-9 and -, and starts with a letter"
            ]
        ),
        (
            "  - name: first", "  - name: a-name-of-more-than-thirty-one-bytes",
            ["m.yaml:6: \"name\" has 36 bytes; the most is 31"]
        ),
        (
            "    console: false", "    console: no",
            ["m.yaml:17: \"no\" is neither true, false nor virtio; did you mean false?"]
        ),
        (
            "    permit: all", "    permit: [start, destroy]",
            ["m.yaml:12: \"destroy\" is not an operation; did you mean stop?"]
        ),
        (
            "    permit: all", "    permit: start",
            ["m.yaml:12: \"start\" is neither \"all\", \"none\" nor a list of operations; did you mean [start]?"]
        ),
        (
            "    command-line: console=ttyS0 quiet", "    command-line: \"a\\nb\"",
            ["m.yaml:10: the command line of partition \"first\" has the byte 0xa; only printable ASCII is possible"]
        ),
        (
            "    command-line: console=ttyS0 quiet", "    command-line: [a, b]",
            ["m.yaml:10: \"command-line\" must be a single value"]
        ),
        (
            "    image: guests/vmlinux", "    image: guests/../vmlinux",
            [
                "m.yaml:16: the image of partition \"second\" has a path with an empty part, "
                    + "or a part that starts or ends with a dot"
            ]
        ),
        (
            "    image: guests/vmlinux", "    image: /boot/vmlinuz-6.1.0-rt",
            [
                "m.yaml:16: \"/boot/vmlinuz-6.1.0-rt\" is a path of this machine; images are named as they lie on the boot "
                    + "volume; write \"vmlinuz-6.1.0-rt\", and say by --images \"/boot\" where it is"
            ]
        ),
        (
            "    image: guests/vmlinux", "    image: {kernel: ../vmlinux, initrd: x}",
            [
                "m.yaml:16: \"../vmlinux\" is a path of this machine; images are named as they lie on the boot volume; "
                    + "write \"vmlinux\", and say by --images \"..\" where it is"
            ]
        ),
        (
            "    image: guests/vmlinux", "    image: {initrd: x}",
            ["m.yaml:16: image has no \"kernel\"; add a line \"kernel: ...\""]
        ),
        (
            "    image: guests/vmlinux", "    image: VMLINUX-RT",
            [
                "m.yaml:16: the image of partition \"second\" and one of partition \"first\" differ only in letter case, "
                    + "which the boot volume ignores; the other one is in line 9"
            ]
        ),
        ("name: sample", "", ["m.yaml:2: the manifest has no \"name\"; add a line \"name: ...\""]),
        ("link: serial", "name: again", ["m.yaml:1: the key \"name\" occurs more than once"]),
        (
            "machine: {cores: 4, memory: 4G}", "machine: {cores: 100, memory: 4G}",
            ["m.yaml:2: the machine is to have 100 cores; 1 to 64 are possible"]
        ),
        (
            "machine: {cores: 4, memory: 4G}", "machine: big",
            ["m.yaml:2: machine must be lines of \"key: value\"; known here: cores, memory"]
        ),
        (
            "link: serial", "link: &a serial",
            ["m.yaml:4: anchors (&) and aliases (*) are not used here; write the value out"]
        ),
    ]

    @Test(arguments: changes) func refused(from old: String, to new: String, expected: [String]) throws {
        let changed = good.replacingOccurrences(of: old + "\n", with: new + "\n")
        #expect(changed != good)
        #expect(refusals(changed) == expected)
    }

    @Test func notYAMLAtAll() {
        #expect(refusals("") == ["m.yaml: the file is empty"])
        #expect(refusals("# nothing\n") == ["m.yaml: the file is empty"])
        #expect(refusals("just words").first?.hasPrefix("m.yaml:1: the manifest must be lines of") == true)
        #expect(refusals("name: a\n\tcores: 1").first?.hasPrefix("m.yaml:2: this is not YAML: ") == true)
        #expect(refusals("name: [1\n").first?.contains("this is not YAML") == true)
        #expect(refusals("name: a\n---\nname: b\n").first?.hasPrefix("m.yaml:2: this is not YAML: ") == true)
        #expect(refusals("name: *nobody\n").first?.hasPrefix("m.yaml:1: this is not YAML: ") == true)
        #expect(refusals("name: a\u{0}b").first?.contains("this is not") == true)
        #expect(refusals(String(repeating: "[", count: 100_000)).first?.contains("this is not YAML") == true)
        #expect(refusals(String(repeating: "- ", count: 100_000)).first?.contains("this is not YAML") == true)
    }

    @Test func partitionsMustBeAList() {
        let words = refusals("name: a\nhousekeeping: 0\npartitions: {a: b}")
        #expect(words == ["m.yaml:3: \"partitions\" must be a list; start each with \"- name: ...\""])
        let none = refusals("name: a\nhousekeeping: 0\npartitions: []")
        #expect(none == ["m.yaml:3: there is no partition; at least one is needed"])
        let scalars = refusals("name: a\nhousekeeping: 0\npartitions: [x]")
        #expect(scalars.count == 1)
        #expect(scalars[0].hasPrefix("m.yaml:3: a partition must be lines of \"key: value\""))
    }

    @Test func tooManyPartitions() {
        var text = "name: a\nhousekeeping: 0\npartitions:\n"
        for i in 0..<9 { text += "  - {name: p\(i), cores: \(i), memory: 16M, image: k}\n" }
        #expect(refusals(text) == ["m.yaml:12: there are 9 partitions; the most is 8"])
    }

    @Test func allProblemsInOneRunInTheirLinesOrder() {
        let changed = good.replacingOccurrences(of: "    memory: 512M", with: "    memory: 17M")
            .replacingOccurrences(of: "    permit: all", with: "    permits: all")
            .replacingOccurrences(of: "    cores: 2-3", with: "    cores: 1")
            .replacingOccurrences(of: "housekeeping: 0", with: "housekeeping: zero")
        #expect(
            refusals(changed).map { String($0.prefix(10)) } == ["m.yaml:3: ", "m.yaml:8: ", "m.yaml:12:", "m.yaml:14:"])
    }

    /// Two clashes of one field are both told, and each problem names its field for programs.
    @Test func fieldsForPrograms() {
        let changed = good.replacingOccurrences(of: "    cores: [1]", with: "    cores: 2-3")
            .replacingOccurrences(of: "    memory: 512M", with: "    memory: 512")
            .replacingOccurrences(of: "housekeeping: 0", with: "housekeeping: 5")
        let error = #expect(throws: ManifestRefused.self) { try parsed(changed) }
        #expect(error?.problems.map { $0.field ?? "" } == ["housekeeping", "memory", "cores", "cores"])
        #expect(error?.problems.map { $0.line ?? 0 } == [3, 8, 14, 14])
    }

    /// Every cut of the file, and every byte of it replaced, ends in a manifest or in problems that say something.
    @Test func hostileText() throws {
        let bytes = Array(good.utf8)
        func tryIt(_ bytes: [UInt8]) {
            guard let text = String(validating: bytes, as: UTF8.self) else { return }
            do throws(ManifestRefused) {
                let manifest = try parseManifest(text, file: "m.yaml", images: .unchecked)
                #expect(problems(manifest).isEmpty)
            } catch {
                #expect(!error.problems.isEmpty)
                #expect(error.problems.allSatisfy { !$0.reason.isEmpty })
            }
        }
        for length in 0...bytes.count { tryIt(Array(bytes[..<length])) }
        for i in bytes.indices {
            for value in "\0\n -:[{&'0".utf8 {
                var changed = bytes
                changed[i] = value
                tryIt(changed)
            }
        }
    }
}
