import Foundation
import Machines
import Testing

extension MachineTests {
    /// Newer kernels than Debian 12's use every CPU of their partition. From 6.9 on Linux stays on one where its first CPU is
    /// not the bootstrap processor by APIC_BASE (its arch/x86/kernel/cpu/topology.c), which no core but the machine's first is.
    @Suite(.serialized, .stopsMachines, .nightly) struct Kernels {
        nonisolated(unsafe) static let shared = Result { try MachineTests.newerKernels(on: .amd) }

        @Test(arguments: ["backports", "newest"]) func itUsesEveryCPU(_ partition: String) throws {
            try MachineTests.usesEveryCPU(partition, of: unsafe Self.shared.get())
        }
    }

    /// The same on Intel's machine, whose emulator takes minutes for it.
    @Suite(.serialized, .stopsMachines, .nightly) struct IntelKernels {
        nonisolated(unsafe) static let shared = Result { try MachineTests.newerKernels(on: .intel) }

        @Test(arguments: ["backports", "newest"]) func itUsesEveryCPU(_ partition: String) throws {
            try MachineTests.usesEveryCPU(partition, of: unsafe Self.shared.get())
        }
    }

    private static func newerKernels(on kind: MachineKind) throws -> BootedMachine {
        try output(of: Workspace.current().root.appending(path: "Guests/build-kernels").path, [])
        return try BootedMachine(manifest: "kernels", kind: kind)
    }

    private static func usesEveryCPU(_ partition: String, of machine: BootedMachine) throws {
        let guest = machine.guest(partition)
        let line = try guest.wait(for: "@bulkhead ready ", seconds: 180)
        guard case .ready(let kernel, let vcpus, _, _) = GuestLine(line) else {
            Issue.record("\(line)")
            return
        }
        let release = try release(partition)
        #expect(kernel == release && vcpus == 2, "\(guest.lines.joined(separator: "\n"))")
        // The suites' names stay, what they have does not.
        let number = release.split(separator: ".").prefix(2).compactMap { Int($0) }
        #expect(number.lexicographicallyPrecedes([6, 9]) == false, "\(release) is no newer kernel")
        #expect(!guest.lines.contains { $0.contains("Limiting to one CPU") })
    }

    /// The release of the kernel that `Guests/build-kernels` has found.
    private static func release(_ name: String) throws -> String {
        let versions = try String(
            contentsOf: Workspace.current().guests.appending(path: "versions-kernels"), encoding: .utf8)
        let line = versions.split(separator: "\n").first { $0.hasPrefix(name + " ") }
        return try String(#require(line?.split(separator: " ").last))
    }
}
