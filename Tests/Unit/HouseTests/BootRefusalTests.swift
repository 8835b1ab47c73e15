import Foundation
import Testing

/// The boot says nothing new: what it refuses a machine for, `bulkhead doctor` says before, in the same words.
@Suite struct BootRefusalTests {
    static let files = [
        "VCPU/SVM/SVM.swift", "VCPU/VMX/VMX.swift", "VCPU/ProcessorVendor.swift", "IOMMU/FindIOMMU.swift",
        "Boot/Firmware/FirmwareTables.swift",
    ]
    /// What Linux cannot tell, each with its reason.
    static let exceptions = [
        "VMXON failed": "an instruction that only root mode executes",
        "the firmware uses 57-bit addresses (CR4.LA57); its set-up may have a switch for 5-level paging":
            "the firmware's own page tables, which Linux has left",
    ]

    @Test func theDoctorKnowsEachRefusal() {
        let repository = Repository.current
        let known = repository.code(under: "Sources/Host/Inventory").map(repository.text).joined(separator: "\n")
        var count = 0, exceptions = Self.exceptions
        for file in Self.files {
            let text = repository.text("Sources/Metal/Hypervisor/\(file)")
            for match in text.matches(of: /Refusal\(\s*"([^"]+)"/) {
                count += 1
                let words = String(match.1)
                if exceptions.removeValue(forKey: words) != nil { continue }
                let isKnown = known.contains(words)
                #expect(isKnown, "\(file): Sources/Host/Inventory/Doctor does not know the refusal \"\(words)\"")
            }
        }
        #expect(count > 12, "the boot's refusals were not found")
        #expect(exceptions.isEmpty, "the boot does not refuse that: \(exceptions.keys)")
    }
}
