#if FAULT_INJECTION
    import Platform
    import Silicon
    import X86

    extension Lifecycle {
        /// Only in the test's build: faults of the hypervisor itself, on a guest's demand (RAX = 4641554Ch, RBX = which).
        func injectFault(_ core: borrowing CoreState) {
            guard cpu.rax == 0x4641_554C else { return }
            switch cpu.rbx {
            case 0: cpu_ud2()
            case 1: store(0 as UInt64, image_address() + 0x1000)  // the program is read-only
            case 2: cpu_push_at(core.layout.guardPage + 0x1000)  // the stack is used up
            // Everything that the other partitions own lies outside of this core's page tables.
            case 3: _ = mmio_read32(cpu.rcx)
            case 4:
                partition.value.takeLock(core.vcpu)
                cpu_ud2()
            default: break
            }
        }
    }
#endif
