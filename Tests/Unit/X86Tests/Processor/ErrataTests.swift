import Foundation
import Testing
import X86

/// A core whose registers keep what is written to them, but for bits that are locked; bits that it has not raise #GP.
private final class Core {
    var registers: [UInt32: UInt64]
    let locked: UInt64
    var writes = 0

    init(_ registers: [UInt32: UInt64] = [:], locked: UInt64 = 0) {
        (self.registers, self.locked) = (registers, locked)
    }

    /// The bits that exist: AMD's DE_CFG is 64 bits wide; MCU_OPT_CTRL and TSX_CTRL by the SDM, volume 4, table 2-2.
    static let existing: [UInt32: UInt64] = [0xC001_1029: .max, 0x123: 0x7F, 0x122: 0x3]

    func read(_ msr: UInt32) -> UInt64 {
        #expect(Self.existing[msr] != nil, "#GP: \(String(msr, radix: 16))")
        return registers[msr] ?? 0
    }
    func write(_ msr: UInt32, _ value: UInt64) {
        #expect(value & ~(Self.existing[msr] ?? 0) == 0, "#GP: \(String(msr, radix: 16))")
        registers[msr] = value & ~locked | (registers[msr] ?? 0) & locked
        writes += 1
    }
    func enforce(_ errata: Errata) -> String? { errata.enforce(read: read, write: write).map { "\($0)" } }
}

@Suite struct ErrataTests {
    /// - Parameters:
    ///   - signature: CPUID 1 EAX.
    ///   - features: CPUID 7 EDX.
    ///   - capabilities: ARCH_CAPABILITIES, which exists by bit 29 of `features` alone.
    private func errata(
        _ vendor: Vendor, _ signature: UInt32, _ features: UInt32 = 0, _ capabilities: UInt64? = nil
    ) -> Errata {
        let leaves = Leaves([
            (0, 0, CPUIDRegisters(eax: 0xD)), (1, 0, CPUIDRegisters(eax: signature)),
            (7, 0, CPUIDRegisters(edx: features | (capabilities == nil ? 0 : 1 << 29))),
        ])
        return Errata(vendor, native: leaves.callAsFunction) {
            #expect(capabilities != nil, "ARCH_CAPABILITIES is read though it does not exist")
            return capabilities ?? 0
        }
    }
    private func names(_ errata: Errata) -> [String] {
        (0..<errata.settings.count).map { "\(errata.settings[$0].name)" }
    }

    /// Signatures of processors, by AMD's revision guides.
    @Test(
        arguments: [
            (0x0083_0F10, true), (0x0086_0F01, true), (0x0086_0F81, true), (0x0087_0F10, true), (0x0089_0F00, true),
            (0x0089_0F10, true), (0x008A_0F00, true),  // Zen 2: Rome, Renoir, Lucienne, Matisse, Van Gogh, Mendocino
            (0x0080_0F12, false), (0x0080_0F82, false), (0x0081_0F81, false),  // Zen, Zen+
            (0x00A0_0F11, false), (0x00A1_0F11, false), (0x00B0_0F21, false),  // Zen 3, 4, 5
            (0x0085_0F00, false), (0x0089_0F20, false), (0x0090_0F02, false), (0x0003_06F2, false),
        ] as [(UInt32, Bool)])
    func zenbleed(_ signature: UInt32, _ isAffected: Bool) {
        let found = errata(.amd, signature)
        #expect(names(found) == (isAffected ? ["zenbleed"] : []))
        #expect(!found.executesFromSmallPages)
        // Other bits of the register stay as they are.
        let core = Core([0xC001_1029: 0x2])
        #expect(core.enforce(found) == nil)
        #expect(core.registers[0xC001_1029] == (isAffected ? 0x202 : 0x2))
        #expect(errata(.intel, signature).settings.count == 0)
    }

    /// Capabilities of processors with and without bit 6, PSCHANGE_MC_NO; without the register the answer is the safe one.
    @Test(
        arguments: [
            (0x0005_0654, nil, true),  // Skylake-SP before ARCH_CAPABILITIES
            (0x0005_0657, 0x2B, true), (0x0005_0657, 0xAB, true),  // Cascade Lake
            (0x0006_06A6, 0xEB, false), (0x0006_06A6, 0x40, false),  // Ice Lake-SP
        ] as [(UInt32, UInt64?, Bool)])
    func fetchesThatMeetTwoTranslations(_ signature: UInt32, _ capabilities: UInt64?, _ isAffected: Bool) {
        #expect(errata(.intel, signature, 0, capabilities).executesFromSmallPages == isAffected)
    }

    /// What firmware has switched off comes back; what it has left on is not written.
    @Test func intelsMicrocodeIsLeftOn() {
        let found = errata(.intel, 0x0005_0657, 1 << 9, 1 << 25 | 1 << 7)
        #expect(names(found) == ["srbds", "gds", "taa"])
        let core = Core([0x123: 0x55, 0x122: 0x2])
        #expect(core.enforce(found) == nil)
        #expect(core.registers == [0x123: 0x44, 0x122: 0x3])
        #expect(core.writes == 3)
        #expect(core.enforce(found) == nil && core.writes == 3)
        #expect(names(errata(.intel, 0x0005_0657, 1 << 9)) == ["srbds"])
        #expect(names(errata(.intel, 0x0005_0657, 0, 1 << 25)) == ["gds"])
        #expect(errata(.intel, 0x0005_0657, 0, 0).settings.count == 0)
    }

    /// A register that does not keep what it must is named, now and when it is looked at again.
    @Test func whatTheCoreDoesNotKeepIsNamed() {
        let found = errata(.intel, 0x0005_0657, 1 << 9, 1 << 25 | 1 << 7)
        #expect(Core([0x123: 0x10], locked: 1 << 4).enforce(found) == "gds")
        #expect(Core(locked: 1 << 0).enforce(found) == "taa")
        let core = Core()
        #expect(core.enforce(found) == nil)
        core.registers[0x123] = 1
        #expect(found.violated(read: core.read).map { "\($0)" } == "srbds")
    }

    /// The table for people has each of them, with its register.
    @Test func theDocumentHasWhatTheCodeSets() throws {
        let page = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../../Documentation/errata.md").standardized
        let rows = try String(contentsOf: page, encoding: .utf8).split(separator: "\n").filter { $0.hasPrefix("| ") }
        func row(_ name: String) -> Substring { rows.first { $0.hasPrefix("| `\(name)` ") } ?? "" }
        for found in [errata(.amd, 0x0083_0F10), errata(.intel, 0x0005_0657, 1 << 9, 1 << 25 | 1 << 7)] {
            for i in 0..<found.settings.count {
                let setting = found.settings[i], name = "\(setting.name)"
                let words =
                    "\(String(setting.msr, radix: 16, uppercase: true))h bit \(setting.mask.trailingZeroBitCount)"
                #expect(row(name).contains(words), "\(name): \(words)")
                #expect(row(name).contains(setting.value == 0 ? "is 0" : "is 1"), "\(name)")
            }
        }
        #expect(row("itlb_multihit").contains("4 KiB"))
        #expect(Set(rows.map { $0.prefix { $0 != "`" } }).count >= 1 && rows.count >= 20)
    }
}
