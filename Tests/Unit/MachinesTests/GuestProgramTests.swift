import Foundation
import Testing

@testable import Machines

/// No test boots the KVM host or the guests that it is compared with: here the compiler reads them, as their recipes have it.
@Suite struct GuestProgramTests {
    @Test(arguments: [
        // What the KVM host shares with /init of the guests has its own declarations too.
        ("kvm-host", "-std=c11", ["-ffreestanding", "-DUART=0x2F8"]),
        ("wire", "-std=gnu11", ["-O2"]),
    ])
    func itCompiles(_ folder: String, _ standard: String, _ options: [String]) throws {
        let guests = try Workspace.current().root.appending(path: "Guests")
        let files = try FileManager.default.contentsOfDirectory(atPath: guests.appending(path: folder).path)
            .filter { $0.hasSuffix(".c") }.map { guests.appending(path: "\(folder)/\($0)").path }
        #expect(files.count > 2)
        let checks = [standard, "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
        #expect(throws: Never.self) { try Tool.run("clang", checks + options + files) }
    }
}
