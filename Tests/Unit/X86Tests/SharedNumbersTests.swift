import Foundation
import Testing
import X86

/// Numbers that C and assembly have of processors, against those that Swift has: what neither can import from the other.
@Suite struct SharedNumbersTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")

    /// The numbers that a header defines, by name.
    private func definitions(_ path: String) throws -> [String: UInt64] {
        let text = try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
        var found: [String: UInt64] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 3, words[0] == "#define" else { continue }
            let isHexadecimal = words[2].hasPrefix("0x")
            found[String(words[1])] = UInt64(words[2].dropFirst(isHexadecimal ? 2 : 0), radix: isHexadecimal ? 16 : 10)
        }
        return found
    }

    @Test func assembly() throws {
        let numbers = try definitions("Sources/Metal/Silicon/include/layout.h")
        #expect(numbers["MSR_X2APIC_EOI"] == UInt64(MSR.x2apicEOI))
        // Table B-14: natural width, host state, the field before RIP.
        #expect(numbers["VMCS_HOST_RSP"] == UInt64(VMCSField.hostRIP) - 2)
    }

    @Test func counter() throws {
        let numbers = try definitions("Tools/Counter/svm.h")
        let offsets: [(String, Int)] = [
            ("VMCB_INTERCEPTS_HIGH", VMCB.intercepts + 4), ("VMCB_ASID", VMCB.asid), ("VMCB_EXIT_CODE", VMCB.exitCode),
            ("VMCB_EXIT_INFO1", VMCB.exitInfo1), ("VMCB_EFER", VMCB.efer), ("VMCB_RAX", VMCB.rax),
            ("MSR_X2APIC_ICR", Int(MSR.x2apicICR)),
        ]
        for (name, value) in offsets { #expect(numbers[name] == UInt64(value), "\(name)") }
        let codes: [(String, UInt64)] = [
            ("EXCEPTION_FIRST", ExitCode.exceptionFirst), ("NMI", ExitCode.nmi), ("INIT", ExitCode.initSignal),
            ("RDPMC", ExitCode.rdpmc), ("CPUID", ExitCode.cpuid), ("RSM", ExitCode.rsm), ("INVD", ExitCode.invd),
            ("INVLPGA", ExitCode.invlpga), ("PORT", ExitCode.port), ("MSR", ExitCode.msr),
            ("SHUTDOWN", ExitCode.shutdown), ("VMRUN", ExitCode.vmrun), ("VMMCALL", ExitCode.vmmcall),
            ("VMLOAD", ExitCode.vmload), ("SKINIT", ExitCode.skinit), ("WBINVD", ExitCode.wbinvd),
            ("MONITOR", ExitCode.monitor), ("MWAIT", ExitCode.mwait), ("RDPRU", ExitCode.rdpru),
            ("NESTED_PAGE_FAULT", ExitCode.nestedPageFault),
        ]
        for (name, value) in codes { #expect(numbers["EXIT_" + name] == value, "\(name)") }
    }
}
