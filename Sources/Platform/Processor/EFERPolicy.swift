/// The extended feature register as guests see it (AMD APM vol. 2, 3.1.7): the hypervisor's own bit does not exist.
public enum EFERPolicy {
    public static let syscall: UInt64 = 1 << 0
    public static let longMode: UInt64 = 1 << 8
    public static let longModeActive: UInt64 = 1 << 10
    public static let noExecute: UInt64 = 1 << 11
    /// Set while a guest runs under SVM; hidden from it.
    public static let svm: UInt64 = 1 << 12
    public static let fastFXSR: UInt64 = 1 << 14

    private static let writable = syscall | longMode | noExecute | fastFXSR

    /// What the guest reads.
    public static func shown(_ current: UInt64) -> UInt64 { current & ~svm }

    /// The register after a guest's write.
    /// - Parameters:
    ///   - current: the register now, with `svm`, which stays as it is.
    ///   - paging: the guest's CR0.PG.
    /// - Returns: nil when the write faults (#GP): a bit that is not the guest's, or another mode while paging is on.
    public static func written(_ value: UInt64, current: UInt64, paging: Bool) -> UInt64? {
        // LMA is the processor's; guests write back what they read.
        guard value & ~(writable | longModeActive) == 0 else { return nil }
        guard !paging || (value ^ current) & longMode == 0 else { return nil }
        return value & writable | current & ~writable
    }
}
