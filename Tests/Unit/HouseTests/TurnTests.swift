import Testing

/// A turn of the housekeeping core never waits for the log's port: what it has to say is a line that the port takes byte by
/// byte, when it has room.
@Suite struct TurnTests {
    @Test func whatTakesTurnsPrintsNothingItself() {
        let files = Repository.swiftFiles.filter {
            $0.path.hasPrefix("Sources/Metal/Hypervisor/Management/")
                || $0.path == "Sources/Metal/Hypervisor/IOMMU/FaultLog.swift"
        }
        #expect(files.contains { $0.path.hasSuffix("FaultLog.swift") } && files.count > 3)
        for file in files {
            for line in file.lines where !line.contains(/^\s*\/\//) {
                #expect(!line.contains("log.print("), "\(file.path): \(line)")
            }
        }
    }
}
