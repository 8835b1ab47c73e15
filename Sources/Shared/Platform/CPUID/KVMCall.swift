/// What KVM's signature promises of VMCALL or VMMCALL: calls are answered in RAX, never by an exception (Linux
/// Documentation/virt/kvm/x86/hypercalls.rst). There are no calls here: a kernel is told so, and goes on without.
public enum KVMCall {
    /// KVM_ENOSYS, which is no error number of Linux's.
    private static let unknown: Int32 = -1000
    /// EPERM: programs in user mode may not ask.
    private static let notPermitted: Int32 = -1

    /// RAX behind the instruction. Outside of 64-bit mode its upper half is 0.
    @inline(__always)
    public static func answer(privilegeLevel: Int, is64Bit: Bool) -> UInt64 {
        let result = privilegeLevel == 0 ? unknown : notPermitted
        return is64Bit ? UInt64(bitPattern: Int64(result)) : UInt64(UInt32(bitPattern: result))
    }
}
