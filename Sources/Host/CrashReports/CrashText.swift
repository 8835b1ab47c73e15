import Foundation
import Records
import X86

extension CrashReport {
    /// Several lines, without the last line end.
    public var text: String {
        var lines = [headline]
        var when: [String] = []
        if time != 0 { when.append(Date(timeIntervalSince1970: time).formatted(.iso8601.dateTimeSeparator(.space))) }
        if uptimeSeconds != 0 { when.append(String(format: "%.6f s after the start", uptimeSeconds)) }
        add(&lines, "when", (when + ["TSC \(tsc)"]).joined(separator: ", "))
        if let vector {
            var words = ["vector \(vector)" + (Self.exceptions[vector].map { " (\($0))" } ?? "")]
            words.append("error \(error ?? "0x0")")
            if let address { words.append("address \(address)") }
            add(&lines, "what", words.joined(separator: ", "))
        } else if let device, let access, let reason, let address {
            add(&lines, "what", "\(device), \(access), address \(address), reason \(reason)")
        } else if let lostVCPU {
            add(&lines, "what", "the core of vCPU \(lostVCPU) did not answer")
        } else if let attack, let before, let after {
            add(&lines, "what", attack)
            add(&lines, "change", "\(before) was to become \(after)")
        } else if let exit, let exitAddress {
            add(&lines, "what", "exit \(exit.code) (\(exit.reason)), address \(exitAddress)")
        }
        if let failedCheck { add(&lines, "what", failedCheck) }
        if let place { add(&lines, "where", place + (function.map { " (\($0))" } ?? "")) }
        if manifestChecksum != "0x0" { add(&lines, "manifest", "CRC32C \(manifestChecksum)") }
        if let hypervisor { add(&lines, "hypervisor", hypervisor) }
        if let guest { add(&lines, "guest", guest) }
        for (index, exit) in lastExits.enumerated() {
            add(&lines, index == 0 ? "last exits" : "", "\(exit.code) (\(exit.reason)) at \(exit.rip)")
        }
        return lines.joined(separator: "\n")
    }

    private var headline: String {
        var words = [kind + ":"]
        if let core { words.append("core \(core)") } else { words.append("while the machine was set up") }
        if let partition { words += ["partition \(partition)"] }
        if let vcpu { words += ["vCPU \(vcpu)"] }
        words = [words[0], words.dropFirst().joined(separator: ", ")]
        return (words + ["(record \(sequence))"]).joined(separator: " ")
    }

    private func add(_ lines: inout [String], _ title: String, _ words: String) {
        lines.append("  " + title.padding(toLength: 12, withPad: " ", startingAt: 0) + words)
    }

    private func add(_ lines: inout [String], _ title: String, _ registers: Registers) {
        let words = registers.values.map { name, value in
            name.padding(toLength: 7, withPad: " ", startingAt: 0)
                + value.padding(toLength: 19, withPad: " ", startingAt: 0)
        }
        for start in stride(from: 0, to: words.count, by: 4) {
            let line = words[start..<min(start + 4, words.count)].joined()
            add(&lines, start == 0 ? title : "", line.trimmingCharacters(in: .whitespaces))
        }
    }

    /// AMD64 APM volume 2, table 8-1.
    private static let exceptions: [Int: String] = [
        0: "divide error", 1: "debug", 3: "breakpoint", 6: "invalid opcode", 8: "double fault",
        10: "invalid task state",
        11: "segment not present", 12: "stack", 13: "general protection", 14: "page fault", 18: "machine check",
    ]
}

/// What processors call the exits that a record may name.
enum CrashExitName {
    static func name(_ code: UInt64, _ vendor: Vendor) -> String {
        switch vendor {
        case .amd: amd[code] ?? ((0x40..<0x60).contains(code) ? "exception \(code - 0x40)" : "unknown")
        case .intel:
            // A VMX instruction that failed has left its error number above the exit reason.
            (code & 0x8000_0000 != 0 ? "failed entry" : intel[code & 0xFFFF] ?? "unknown")
                + (code >> 32 != 0 ? ", \(VMXInstructionError.text(UInt32(code >> 32)))" : "")
        }
    }

    private static let refusedState = "a state that VMRUN refuses (VMEXIT_INVALID)"
    /// AMD64 APM volume 2, appendix C.
    private static let amd: [UInt64: String] = [
        0x14: "a write to CR4", 0x60: "interrupt", 0x61: "NMI", 0x62: "SMI", 0x63: "INIT",
        0x65: "a write to CR0", 0x6A: "LIDT", 0x6B: "LGDT", 0x6F: "RDPMC", 0x72: "CPUID", 0x73: "RSM",
        0x74: "IRET",
        0x76: "INVD", 0x7A: "INVLPGA", 0x7B: "port", 0x7C: "MSR", 0x7F: "shutdown", 0x80: "VMRUN", 0x81: "VMMCALL",
        0x82: "VMLOAD", 0x83: "VMSAVE", 0x84: "STGI", 0x85: "CLGI", 0x86: "SKINIT", 0x89: "WBINVD", 0x8A: "MONITOR",
        0x8B: "MWAIT", 0x8E: "RDPRU", 0x400: "nested page fault",
        // -1 in 64 bits, in 32, and in the 16 that a list of exits keeps.
        UInt64.max: refusedState, 0xFFFF_FFFF: refusedState, 0xFFFF: refusedState,
    ]
    /// Intel SDM volume 3, appendix C.
    private static let intel: [UInt64: String] = [
        0: "exception or NMI", 1: "interrupt", 2: "triple fault", 3: "INIT", 4: "start-up IPI", 7: "interrupt window",
        8: "NMI window", 10: "CPUID", 11: "GETSEC", 13: "INVD", 15: "RDPMC", 18: "VMCALL", 19: "VMCLEAR",
        20: "VMLAUNCH", 21: "VMPTRLD", 22: "VMPTRST", 23: "VMREAD", 24: "VMRESUME", 25: "VMWRITE", 26: "VMXOFF",
        27: "VMXON", 28: "control register", 30: "port", 31: "RDMSR", 32: "WRMSR", 36: "MWAIT", 37: "monitor trap",
        39: "MONITOR", 48: "EPT violation", 49: "EPT misconfiguration", 50: "INVEPT", 52: "preemption timer",
        53: "INVVPID", 54: "WBINVD", 55: "XSETBV",
    ]
}
