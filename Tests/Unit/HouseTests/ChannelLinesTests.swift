import Testing

/// What of channels runs in root mode, in files of its own: the device models beside their guests do the rest. The design gives them 700 lines,
/// of which others' files have a few dozen: fields, one more kind of memory, what is asked at a start.
@Suite struct ChannelLinesTests {
    static let files =
        ["PCI/PartitionWires", "Exits/RunModel", "Exits/DeviceModel", "Layout/BuildModel"].map {
            "Sources/Metal/Hypervisor/\($0).swift"
        } + ["Sources/Shared/Manifest/Model/ChannelSpec.swift"]

    @Test func theyKeepTheirBound() {
        let repository = Repository()
        let shared = repository.code(under: "Sources/Shared/Platform/DeviceModel")
        let counts = (Self.files + shared).map { file in
            repository.text(file).split(separator: "\n").count { line in
                let code = line.drop { $0 == " " }
                return !code.isEmpty && !code.hasPrefix("//")
            }
        }
        let listed = Array(zip(Self.files + shared, counts))
        #expect(counts.allSatisfy { $0 > 5 } && counts.reduce(0, +) < 600, "\(listed)")
    }
}
