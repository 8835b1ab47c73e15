import Platform
import Testing

/// Linux Documentation/virt/kvm/x86/hypercalls.rst, and include/uapi/linux/kvm_para.h for the numbers.
@Suite struct KVMCallTests {
    @Test func aKernelIsToldThatThereIsNoSuchCall() {
        #expect(Int64(bitPattern: KVMCall.answer(privilegeLevel: 0, is64Bit: true)) == -1000)
        // The upper half of RAX is 0 outside of 64-bit mode, as KVM leaves it.
        #expect(KVMCall.answer(privilegeLevel: 0, is64Bit: false) == 0xFFFF_FC18)
    }

    @Test(arguments: 1...3) func programsMayNotAsk(level: Int) {
        #expect(Int64(bitPattern: KVMCall.answer(privilegeLevel: level, is64Bit: true)) == -1)
        #expect(KVMCall.answer(privilegeLevel: level, is64Bit: false) == 0xFFFF_FFFF)
    }
}
