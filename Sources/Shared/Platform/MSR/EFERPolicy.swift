import X86

/// The extended feature register as guests see it (AMD APM vol. 2, 3.1.7): the hypervisor's own bit does not exist.
public enum EFERPolicy {
    /// AMD's FFXSR: FXSAVE leaves the XMM registers out in privileged code.
    private static let fastFXSR: UInt64 = 1 << 14
    private static let common = EFER.systemCall | EFER.longModeEnable | EFER.noExecute

    /// The register after a guest's write; bits that are not the guest's stay as they are.
    /// - Parameter paging: the guest's CR0.PG.
    /// - Returns: nil when the write faults (#GP): a bit that is not the guest's, or another mode while paging is on.
    public static func written(_ value: UInt64, current: UInt64, paging: Bool, _ vendor: Vendor) -> UInt64? {
        let writable = vendor == .amd ? common | fastFXSR : common
        // LMA is the processor's; guests write back what they read.
        guard value & ~(writable | EFER.longModeActive) == 0 else { return nil }
        guard !paging || (value ^ current) & EFER.longModeEnable == 0 else { return nil }
        return value & writable | current & ~writable
    }
}
