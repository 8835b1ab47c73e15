import Testing

/// What partitions tell the housekeeping core kicks it by one way, which asks the core's budget. No emulator shows the difference by
/// counts: what a manager asks for rings by its link as often.
@Suite struct KickBudgetTests {
    @Test func noKickOfTheHousekeepingCoreIsUncounted() throws {
        var kicks: [String] = []
        for file in Repository.swiftFiles where file.path.hasPrefix("Sources/Metal/") {
            for (number, line) in file.lines.enumerated() where line.contains(/kick\(.*housekeep/) {
                // The boot core's first one, when no partition runs yet.
                if file.path.hasSuffix("/LeaveBoot.swift") { continue }
                kicks.append(file.path)
                let before = file.lines[max(number - 2, 0)..<number].joined(separator: "\n")
                #expect(before.contains("kicks.isLeft(") && before.contains("kicks.spend(1)"), "\(file.path): \(line)")
            }
        }
        #expect(kicks.count == 1, "\(kicks)")
    }
}
