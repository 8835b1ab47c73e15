import Testing

/// While base address registers are sized, a function decodes nothing: a driver of the firmware's that a timer wakes would find no
/// device. So all that sizes them runs at the highest task priority level, at which no event is delivered (UEFI 2.10, section 7.1).
/// No emulated firmware comes in between often enough to be seen.
@Suite struct RaisedLevelTests {
    private static func code(_ file: String) -> [String] {
        Repository.current.text("Sources/Metal/Hypervisor/\(file)").split(separator: "\n").map {
            String($0.drop(while: \.isWhitespace))
        }
    }

    /// The line, and that no other is between the raising of the level and it.
    @Test(arguments: [
        ("Boot/DiscoveredMachine.swift", "gatherFacts(vendor)"),
        ("Layout/PlannedMachine.swift", "try plan.findFunctions()"),
    ]) func registersAreSizedAtTheHighestLevel(_ file: String, _ call: String) throws {
        let lines = Self.code(file)
        let places = lines.indices.filter { lines[$0] == call }
        let place = try #require(places.count == 1 ? places[0] : nil, "\(file): \(call)")
        let raise = try #require(lines[..<place].lastIndex { $0.contains("firmware.raiseLevel()") })
        let between = lines[(raise + 1)..<place]
        #expect(between.allSatisfy { $0 == "defer { firmware.restoreLevel(level) }" }, "\(file): \(between)")
        #expect(!between.isEmpty || lines[place + 1] == "firmware.restoreLevel(level)", "\(file)")
    }

    @Test func theLevelIsTheHighest() {
        let lines = Self.code("Boot/Firmware/Firmware.swift")
        #expect(lines.contains { $0.contains("func raiseLevel()") && $0.contains("efi_call(boot.value.RaiseTPL, 31,") })
    }
}
