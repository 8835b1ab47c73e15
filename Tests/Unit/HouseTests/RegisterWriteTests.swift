import Testing

/// An instruction in root mode that faults on a guest's value is a fault of the hypervisor that a guest can cause. What
/// answers exits writes no register but by these lines: a table has said what the processor takes of the guest's value, and a
/// unit test holds that table against the manual's reserved bits.
@Suite struct RegisterWriteTests {
    private static let writes: [(file: String, line: String, test: String)] = [
        (
            "InterruptCommands.swift", "LocalAPIC.send(command.directed(to: platform[vcpu]))",
            "InterruptCommandTests"
        ),
        (
            "Exceptions.swift",
            "if event.kind == .nmi { cpu.injectNMI() } else { LocalAPIC.requestAgain(event.vector) }",
            "EventDeliveryTests"
        ),
        (
            "Virtio.swift", "LocalAPIC.send(UInt64(interrupt.apicID) << 32 | UInt64(interrupt.vector))",
            "GuestMessageTests"
        ),
        ("MSR.swift", "cpu_wrmsr(msr, value)", "LocalVectorTests"),
        ("XSETBV.swift", "cpu_xsetbv(0, value)", "XCR0Tests"),
    ]

    @Test func everyWriteOfAGuestsValueHasItsTable() {
        let folder = "Sources/Metal/Hypervisor/Exits/"
        let tests = Set(Repository.swiftFiles.map { $0.path.split(separator: "/").last.map(String.init) ?? "" })
        var found = 0
        for file in Repository.swiftFiles where file.path.hasPrefix(folder) && !file.path.contains("InjectedFaults") {
            for line in file.lines
            where line.contains(/(cpu_(wrmsr|xsetbv|write_[a-z0-9]+)|LocalAPIC\.(send|requestAgain))\(/) {
                let line = String(line.drop(while: \.isWhitespace))
                let row = Self.writes.first { folder + $0.file == file.path && $0.line == line }
                #expect(row != nil, "\(file): \(line) is not in the table above")
                #expect(row.map { tests.contains("\($0.test).swift") } != false, "\(line): its test is gone")
                found += 1
            }
        }
        #expect(found == Self.writes.count)
    }
}
