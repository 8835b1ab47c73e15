import Foundation
import Inventory
import Testing

/// What `bulkhead doctor` says of recorded machines: the hypervisor's own rules, in the boot's words.
@Suite struct DoctorTests {
    let tree: RecordedTree

    init() throws {
        tree = try RecordedTree()
        try tree.makeGood()
    }

    func requirement(_ name: String) throws -> Requirement {
        try #require(Doctor(linux: tree.root).diagnosis.requirements.first { $0.name == name }, "\(name)")
    }

    func write(cpuFlags: String, vendor: String = "AuthenticAMD", more: String = "") throws {
        var text = ""
        for cpu in 0..<8 {
            text +=
                "processor\t: \(cpu)\nvendor_id\t: \(vendor)\nmodel name\t: Sample\napicid\t\t: \(RecordedTree.apicId(cpu))\n"
            text += "microcode\t: 0xa0011d1\nflags\t\t: \(cpuFlags)\n\(more)\n"
        }
        try tree.write("proc/cpuinfo", text)
    }

    @Test func aGoodMachine() throws {
        let doctor = Doctor(linux: tree.root)
        let bad = doctor.diagnosis.requirements.filter { $0.state != .met && $0.name != "threads (SMT)" }
        #expect(bad.map(\.name) == [], "\(doctor.diagnosis.text)")
        #expect(doctor.diagnosis.runs == true)
        #expect(
            doctor.diagnosis.sentence == "rack7.example.org, Sample: Bulkhead runs here, with limits: threads (SMT)")
        #expect(doctor.diagnosis.text.contains("  ✓ virtualization"))
        let json = try #require(
            try JSONSerialization.jsonObject(with: Data(doctor.diagnosis.json.utf8)) as? [String: Any])
        #expect(
            json["runs"] as? Bool == true
                && (json["requirements"] as? [Any])?.count == doctor.diagnosis.requirements.count)
    }

    /// A machine's own words do not move a terminal's cursor, and a program reads them as they are.
    @Test func itsJSONIsHarmless() throws {
        let name = "Sam\u{1B}ple\u{202E}\u{9B}"
        var diagnosis = Doctor(linux: tree.root).diagnosis
        diagnosis.processor = name
        let text = try diagnosis.json
        #expect(text.contains(#""Sam\u001bple\u202e\u009b""#), "\(text)")
    }

    // MARK: The processor

    @Test func virtualizationSwitchedOff() throws {
        // By the register, though Linux lists the feature.
        try tree.write("dev/cpu/0/msr", "c0010114 18\n")
        var found = try requirement("virtualization")
        #expect(found.state == .unmet && found.found == "SVM is disabled by the firmware (VM_CR.SVMDIS)")
        #expect(found.advice?.contains("SVM Mode") == true)
        #expect(Doctor(linux: tree.root).diagnosis.runs == false)
        // By Linux, which hides it.
        try tree.remove("dev/cpu/0/msr")
        try write(cpuFlags: "x2apic")
        found = try requirement("virtualization")
        #expect(found.state == .unmet && found.found == "SVM is disabled by the firmware (VM_CR.SVMDIS)")
        // A virtual machine has no set-up to change.
        try write(cpuFlags: "x2apic hypervisor")
        #expect(try requirement("virtualization").advice?.contains("nested virtualization") == true)
        try write(cpuFlags: "svm x2apic")
        #expect(try requirement("virtualization").found.contains("no nested paging"))
        try write(cpuFlags: "svm npt x2apic", vendor: "CentaurHauls")
        #expect(try requirement("virtualization").found == "the processor is neither AMD's nor Intel's (CPUID 0)")
    }

    @Test func addressSpaceIds() throws {
        let vendor = "80000001 0 0 0 4 0\n1 0 0 0 200000 0\n"
        try tree.write("dev/cpu/0/cpuid", vendor + "8000000a 0 1 8 0 1\n")
        #expect(try requirement("virtualization").found.contains("fewer address space ids"))
        try tree.write("dev/cpu/0/cpuid", vendor + "8000000a 0 1 8000 0 1\n")
        #expect(try requirement("virtualization").state == .met)
    }

    @Test func intel() throws {
        try write(
            cpuFlags: "vmx x2apic", vendor: "GenuineIntel", more: "vmx flags\t: vnmi ept vpid unrestricted_guest\n")
        #expect(try requirement("virtualization").state == .met)
        try write(cpuFlags: "vmx x2apic", vendor: "GenuineIntel", more: "vmx flags\t: vnmi ept vpid\n")
        #expect(try requirement("virtualization").found == "the processor lacks unrestricted guest")
        // Locked, without VMX outside of SMX.
        try tree.write("dev/cpu/0/msr", "3a 1\n")
        var found = try requirement("virtualization")
        #expect(found.found == "VMX is disabled by the firmware (IA32_FEATURE_CONTROL bit 2)")
        #expect(found.advice?.contains("Intel Virtualization Technology") == true)
        // Capabilities as the manual's appendix A has them; all controls may be 1.
        let capable =
            "3a 5\n480 da040000000004\n48b ffffffff00000000\n48c f0106734141\n48d ffffffff00000016\n"
            + "48e ffffffff04006172\n48f ffffffff00036dfb\n490 ffffffff000011fb\n"
        try tree.write("dev/cpu/0/msr", capable)
        found = try requirement("virtualization")
        #expect(found.state == .met, "\(found)")
        // No unrestricted guest: bit 7 of the secondary controls.
        try tree.write("dev/cpu/0/msr", capable.replacing("48b ffffffff", with: "48b ffffff7f"))
        found = try requirement("virtualization")
        #expect(found.found == "the processor lacks a VMX control: IA32_VMX_PROCBASED_CTLS2 bit 7")
        try write(cpuFlags: "x2apic", vendor: "GenuineIntel")
        try tree.remove("dev/cpu/0/msr")
        #expect(try requirement("virtualization").found.hasPrefix("VMX is disabled by the firmware"))
    }

    @Test func x2apic() throws {
        try write(cpuFlags: "svm npt")
        let found = try requirement("x2APIC")
        #expect(found.state == .unmet && found.found == "the processor has no x2APIC (CPUID 1 ECX bit 21)")
    }

    // MARK: The firmware

    @Test func legacyBoot() throws {
        try tree.remove("sys/firmware/efi")
        let found = try requirement("UEFI")
        #expect(found.state == .unmet && found.advice?.contains("CSM") == true)
        try tree.write("sys/firmware/efi/fw_platform_size", "32\n")
        #expect(try requirement("UEFI").found.contains("32 bits"))
    }

    @Test func secureBoot() throws {
        try tree.write("sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c", [6, 0, 0, 0, 1])
        let found = try requirement("Secure Boot")
        #expect(found.state == .unmet && found.advice?.contains("Secure Boot") == true)
        try tree.remove("sys/firmware/efi/efivars")
        #expect(try requirement("Secure Boot").state == .unknown)
        #expect(Doctor(linux: tree.root).diagnosis.runs == nil)
    }

    /// What a manifest's `require` is held against by `manifest check --machine`.
    @Test func theInventoryHasSecureBootAndTPM() throws {
        let setup = "sys/firmware/efi/efivars/SetupMode-8be4df61-93ca-11d2-aa0d-00e098032b8c"
        func found() -> [Bool?] {
            let inventory = Inventory(linux: tree.root), trust = inventory.facts.trust
            #expect(trust.contains(.secureBoot) == (inventory.secureBoot != false))
            #expect(trust.contains(.tpm) == (inventory.tpm != false))
            return [inventory.secureBoot, inventory.tpm]
        }
        #expect(found() == [false, true])
        try tree.write("sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c", [6, 0, 0, 0, 1])
        // As long as it has no owner it checks nothing.
        try tree.write(setup, [6, 0, 0, 0, 1])
        #expect(found() == [false, true])
        try tree.write(setup, [6, 0, 0, 0, 0])
        // A TPM 1.2 is none, nor is one of a version that nobody knows; of several one is enough.
        let cases: [([String?], Bool?)] = [
            (["1"], false), (["3"], false), (["1", "2"], true), ([nil], nil), (["1", nil], nil),
        ]
        for (versions, isTPM) in cases {
            try tree.remove("sys/class/tpm")
            for (number, version) in versions.enumerated() {
                try tree.write("sys/class/tpm/tpm\(number)/uevent", "")
                if let version { try tree.write("sys/class/tpm/tpm\(number)/tpm_version_major", version + "\n") }
            }
            #expect(found() == [true, isTPM], "\(versions)")
            #expect(try requirement("TPM").state == (isTPM == false ? .limited : .met), "\(versions)")
        }
        try tree.remove("sys/firmware/efi/efivars")
        try tree.remove("sys/class/tpm")
        #expect(found() == [nil, nil])
    }

    @Test func whatIsGoodToHave() throws {
        try tree.remove("sys/class/tpm")
        try tree.remove("sys/class/tty")
        try tree.write(
            "sys/devices/system/cpu/vulnerabilities/mds", "Vulnerable: Clear CPU buffers attempted, no microcode\n")
        for (name, words) in [("TPM", "none"), ("serial port", "no COM1"), ("errata", "vulnerable to mds")] {
            let found = try requirement(name)
            #expect(found.state == .limited && found.found.contains(words), "\(found)")
        }
        // They keep nobody from starting.
        #expect(Doctor(linux: tree.root).diagnosis.runs == true)
    }

    // MARK: Processors and memory

    @Test func processors() throws {
        #expect(try requirement("processors").found == "9, 1 of them switched off by Linux")
        try tree.write("sys/devices/cpu_core/cpus", "0-3\n")
        try tree.write("sys/devices/cpu_atom/cpus", "4-7\n")
        #expect(try requirement("processors").found.hasPrefix("9: 4 performance, 4 efficiency"))
        try tree.remove("sys/firmware/acpi/tables/APIC")
        let found = try requirement("processors")
        #expect(found.state == .unknown && found.advice?.contains("run as root") == true)
    }

    @Test func emptyFolder() {
        let diagnosis = Doctor(linux: "/nonexistent").diagnosis
        #expect(
            diagnosis.runs == false && diagnosis.requirements.contains { $0.name == "processors" && $0.state == .unmet }
        )
    }

    // MARK: From the running hypervisor

    @Test func theRunningHypervisor() {
        let diagnosis = Doctor(running: Inventory(name: "rack7", LinkTests.items)).diagnosis
        #expect(diagnosis.runs == true && diagnosis.sentence.hasPrefix("rack7: Bulkhead runs here"))
        let functions = diagnosis.requirements.first { $0.name == "PCI functions" }
        #expect(
            functions?.found == "0 of 1 can be owned; 01:00.0: the firmware goes on using it for its own purposes",
            "\(diagnosis.text)")
    }
}
