import Foundation
import Machines
import TestKit
import Testing

extension MachineTests {
    /// Debian's driver for KVM's clock pairing believes the signature in CPUID and makes a hypercall from the kernel: one that is
    /// answered with an exception ends in an oops (`modprobe ptp_kvm`).
    @Suite(.serialized, .stopsMachines, .nightly) struct KVMModule {
        nonisolated(unsafe) static let shared = Result { try BootedMachine(manifest: "lifecycle") }

        @Test(arguments: ["subject", "witness"]) func isRefusedOrLoadsWithoutAnOops(_ partition: String) throws {
            let machine = try unsafe Self.shared.get(), guest = machine.guest(partition)
            try guest.wait(for: "@bulkhead ready ", seconds: 120)
            let first = guest.lines.count
            guest.type(line: "module ptp_kvm")
            let line = try guest.wait(for: "@bulkhead module result=", from: first, seconds: 60)
            // Loaded, or -ENODEV or -EOPNOTSUPP, as the kernel answers for a hypervisor that pairs no clocks.
            let results = ["0", "-19", "-95"].map { "@bulkhead module result=" + $0 }
            #expect(results.contains(line.trimmingCharacters(in: .whitespaces)), "\(line)")
            // It goes on, and its kernel has complained of nothing.
            #expect(try machine.clock(partition) > 0)
            for word in ["Oops", "BUG:", "general protection", "invalid opcode", "Call Trace"] {
                #expect(!guest.lines.contains { $0.contains(word) }, "\(guest.lines.joined(separator: "\n"))")
            }
            let info = try machine.info(partition)
            #expect(info.state == .running && info.starts == 1)
        }
    }
}
