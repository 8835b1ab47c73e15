import Foundation
import Testing

/// A write to an x2APIC's command register waits for no store that came before it (Intel SDM volume 3A, section 11.12.3; AMD64 APM
/// volume 2, section 16.11.2): who gets the interrupt would look too early. No emulator has such a store buffer. So there is one
/// place that writes it, behind MFENCE and LFENCE; what goes wrong without is in Tests/Models/partition.pml (KICK_WITHOUT_FENCE).
@Suite struct KickFenceTests {
    /// All code of root mode, without comments.
    private static let code: [(path: String, lines: [String])] = Repository.current.code(under: "Sources/Metal").map {
        path in
        let lines = Repository.current.text(path).split(separator: "\n").map { line in
            let code = line.range(of: "//").map { line[..<$0.lowerBound] } ?? line
            return code.trimmingCharacters(in: .whitespaces)
        }
        return (path, lines.filter { !$0.isEmpty })
    }

    @Test func theOneWriteOfTheCommandRegisterIsBehindItsFence() throws {
        var writes: [String] = []
        for (path, lines) in Self.code where !path.contains("InjectedFaults") {
            for (index, line) in lines.enumerated()
            where line.contains("cpu_wrmsr(") && line.contains(/x2apicICR|0x830\b/) {
                writes.append(path)
                #expect(index > 0 && lines[index - 1] == "cpu_fence()", "\(path): \(line) is not behind cpu_fence()")
            }
        }
        #expect(writes == ["Sources/Metal/Hypervisor/Core/LocalAPIC.swift"])
    }

    @Test func theFenceIsBoth() {
        let fences = Self.code.flatMap(\.lines).filter { $0.contains("void cpu_fence(void)") }
        #expect(fences.count == 1)
        #expect(fences.allSatisfy { $0.contains(#"__asm__ volatile("mfence; lfence" ::: "memory")"#) })
    }

    @Test func noAssemblyWritesTheCommandRegister() {
        for (path, lines) in Self.code where path.hasSuffix(".S") || path.hasSuffix(".h") {
            #expect(!lines.contains { $0.contains(/\b(0x830|MSR_X2APIC_ICR)\b/) }, "\(path)")
        }
    }
}
