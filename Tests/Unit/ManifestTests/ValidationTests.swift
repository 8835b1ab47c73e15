import Manifest
import ManifestRules
import Testing

@Suite struct ValidationTests {
    @Test func theSampleIsValid() throws {
        #expect(problems(sample()).isEmpty)
        try sample().validate()
    }

    /// A manifest with one thing wrong, and the one sentence that says so.
    struct Refusal: CustomTestStringConvertible, Sendable {
        let reason: ManifestRefusal.Reason
        let words: String
        let change: @Sendable (inout Manifest) -> Void
        var testDescription: String { "\(reason)" }
    }

    static let refusals: [Refusal] = [
        Refusal(reason: .tool(.nameEmpty), words: "the machine has no name") { $0.name = "" },
        Refusal(reason: .tool(.nameEmpty), words: "partition number 2 has no name") { $0.partitions[1].name = "" },
        Refusal(
            reason: .tool(.nameStart),
            words: "the name of partition \"2nd\" starts with the character '2'; "
                + "a name is 1 to 31 of a-z, 0-9 and -, and starts with a letter"
        ) { $0.partitions[1].name = "2nd" },
        Refusal(
            reason: .tool(.nameCharacter),
            words: "the name of partition \"a?b\" has the byte 0x1b; "
                + "a name is 1 to 31 of a-z, 0-9 and -, and starts with a letter"
        ) { $0.partitions[0].name = "a\u{1B}b" },
        Refusal(reason: .tool(.duplicateName), words: "partitions number 1 and 2 have the same name \"workload\"") {
            $0.partitions[0].name = "workload"
        },
        Refusal(reason: .hypervisor(.noPartitions), words: "there is no partition; at least one is needed") {
            var bare = Manifest()
            bare.name = $0.name
            bare.machineCores = 1
            $0 = bare
        },
        Refusal(reason: .tool(.machineCoresOutOfRange), words: "the machine is to have 65 cores; 1 to 64 are possible")
        {
            $0.machineCores = 65
        },
        Refusal(reason: .tool(.machineCoresOutOfRange), words: "the machine is to have 0 cores; 1 to 64 are possible") {
            $0.machineCores = 0
        },
        Refusal(
            reason: .tool(.machineMemoryTooLarge),
            words: "the machine is to have 8388608 GiB of memory; no processor can address that much"
        ) { $0.machineMemory = 1 << 53 },
        Refusal(
            reason: .tool(.memoryBeyondMachine),
            words: "the partitions take 1536 MiB of memory together, but the machine is only required to have 1 GiB"
        ) { $0.machineMemory = gibibyte },
        Refusal(
            reason: .tool(.housekeepingOutOfRange),
            words: "the housekeeping core is 4, but the machine's cores are 0 to 3"
        ) { $0.housekeeping = 4 },
        Refusal(reason: .hypervisor(.noCores), words: "partition \"workload\" has no cores; at least one is needed") {
            $0.partitions[1].cores = CoreSet()
        },
        Refusal(reason: .hypervisor(.tooManyCores), words: "partition \"workload\" has 17 cores; the most is 16") {
            $0.machineCores = 20
            $0.partitions[1].cores = CoreSet(rawValue: 0x1FFFF << 2)
        },
        Refusal(
            reason: .tool(.coreOutOfRange),
            words: "partition \"workload\" claims core 63, but the machine's cores are 0 to 3"
        ) { $0.partitions[1].cores = CoreSet(core: 63) },
        Refusal(
            reason: .hypervisor(.coreClaimedTwice),
            words: "core 1 is claimed by partition \"control-loop\" and by partition \"workload\"; "
                + "a core belongs to one partition"
        ) { $0.partitions[1].cores = CoreSet(core: 1) },
        Refusal(
            reason: .hypervisor(.memoryTooSmall),
            words: "the memory of partition \"workload\" is 14 MiB; the least is 16 MiB"
        ) { $0.partitions[1].memorySize = 14 * mebibyte },
        Refusal(
            reason: .hypervisor(.memorySizeUnaligned),
            words: "the memory of partition \"workload\" is 17 MiB, which is not a multiple of 2 MiB"
        ) { $0.partitions[1].memorySize = 17 * mebibyte },
        Refusal(
            reason: .hypervisor(.memoryBaseUnaligned),
            words: "the memory of partition \"workload\" starts at 0x40001000, "
                + "which is not a multiple of 2 MiB (0x200000)"
        ) { $0.partitions[1].memoryBase = 0x4000_1000 },
        Refusal(
            reason: .hypervisor(.memoryTooLarge),
            words: "the memory of partition \"workload\", 1 GiB from 0xffffffffffe00000, "
                + "is beyond what a processor can address (52 bits)"
        ) { $0.partitions[1].memoryBase = 0xFFFF_FFFF_FFE0_0000 },
        Refusal(
            reason: .hypervisor(.memoryOverlap),
            words: "the memory of partition \"control-loop\" and of partition \"workload\" overlaps at 0x40000000"
        ) { $0.partitions[0].memoryBase = 0x3FE0_0000 },
        Refusal(reason: .hypervisor(.imageMissing), words: "partition \"workload\" has no image to start") {
            $0.partitions[1].image = ""
        },
        Refusal(
            reason: .tool(.pathForm),
            words: "the image of partition \"workload\" has a path with an empty part, "
                + "or a part that starts or ends with a dot"
        ) { $0.partitions[1].image = "a/../b" },
        Refusal(
            reason: .tool(.pathCharacter),
            words: "the initrd of partition \"workload\" has the character '\\' in its path; "
                + "a-z, A-Z, 0-9, - _ . and / are possible"
        ) { $0.partitions[1].initrd = "a\\b" },
        Refusal(
            reason: .tool(.pathCaseClash),
            words: "the image of partition \"workload\" and one of partition \"control-loop\" "
                + "differ only in letter case, which the boot volume ignores"
        ) { $0.partitions[1].image = "vmlinux-RT" },
        Refusal(
            reason: .tool(.commandLineCharacter),
            words: "the command line of partition \"workload\" has the byte 0xa; only printable ASCII is possible"
        ) { $0.partitions[1].commandLine = "quiet\n" },
        Refusal(
            reason: .tool(.unknownOperation), words: "partition \"workload\" permits unknown operations: bits 0x200"
        ) {
            $0.partitions[1].permits = ControlOperations(rawValue: 0x201)
        },
    ]

    @Test(arguments: refusals) func refused(_ refusal: Refusal) throws {
        let manifest = sample(refusal.change)
        #expect(problems(manifest).map { $0.sentence(manifest) } == [refusal.words])
        let error = #expect(throws: ManifestRefusal.self) { try manifest.validate() }
        #expect(error?.reason == refusal.reason)
        guard case .hypervisor = refusal.reason else {
            // Root mode relies on nothing that only the tool refuses.
            if let bytes = try? encoded(manifest), let copy = try? decoded(bytes) {
                #expect(brokenInvariants(copy) == [])
            }
            return
        }
        // The same refusal comes out of the encoded form, where the hypervisor meets it.
        let bytes = try encoded(manifest)
        var copy = Manifest()
        let second = #expect(throws: ManifestError.self) { try copy.decode(bytes.span) }
        #expect(second.map { sentence($0, copy) } == refusal.words)
        #expect(second.map { consoleSentence($0, copy) } == refusal.words)
        #expect(copy.partitionCount == 0)
    }

    /// The hypervisor prints a refusal as one line of 200 bytes, with 19 of its own and the number: none is cut, however
    /// long the names.
    @Test(arguments: refusals) func sentencesFitALine(_ refusal: Refusal) {
        let manifest = sample(refusal.change)
        guard let error = problems(manifest).first else { return }
        var named = manifest
        for i in 0..<2 { named.partitions[i].name = "a-name-of-thirty-one-characters" }
        #expect(error.sentence(named).utf8.count + "R111 ".utf8.count <= 181)
    }

    @Test(arguments: ["/a", "a/", "a//b", ".", "..", "a/.", "./a", ".a", "a.", "a./b"] as [ImagePathCase])
    func badPaths(_ path: ImagePathCase) {
        let manifest = sample { $0.partitions[0].image = path.path }
        #expect(problems(manifest).map(\.reason) == [.tool(.pathForm)])
    }

    /// Files and folders that an install or the hypervisor keeps beside the images, in any case.
    @Test(
        arguments: [
            "MANIFEST.cbor", "Slot.txt", "crash.bin", "symbols.bin/vmlinux", "confirmed/x", "version.txt", "boot.log",
            "a", "B/vmlinux",
        ] as [ImagePathCase])
    func namesThatAreTaken(_ path: ImagePathCase) {
        let words = " of partition \"workload\" has the name of a file or folder that is kept beside the images"
        for (what, manifest) in [
            ("the image", sample { $0.partitions[1].image = path.path }),
            ("the initrd", sample { $0.partitions[1].initrd = path.path }),
        ] {
            let found = problems(manifest)
            #expect(found.map(\.reason) == [.tool(.pathReserved)])
            #expect(found.map { $0.sentence(manifest) } == [what + words])
        }
    }

    @Test func allProblemsInOneRun() {
        let manifest = sample {
            $0.housekeeping = 9
            $0.partitions[0].name = "X"
            $0.partitions[0].memorySize = 0
            $0.partitions[1].cores = CoreSet(core: 1)
        }
        let reasons = problems(manifest).map(\.reason)
        #expect(
            reasons == [
                .tool(.housekeepingOutOfRange), .tool(.nameCharacter), .hypervisor(.memoryTooSmall),
                .hypervisor(.coreClaimedTwice),
            ])
    }

    @Test func housekeepingMayAlsoRunAGuest() throws {
        try sample { $0.partitions[0].cores = CoreSet(core: 0) }.validate()
    }

    @Test func sharedImagesAreFine() throws {
        try sample { $0.partitions[1].image = $0.partitions[0].image }.validate()
    }
}

/// A path as a test argument.
struct ImagePathCase: ExpressibleByStringLiteral, Sendable, CustomTestStringConvertible {
    let path: ImagePath
    let testDescription: String
    init(stringLiteral value: StaticString) {
        path = ImagePath(stringLiteral: value)
        testDescription = value.description
    }
}
