#if FAULT_INJECTION
    import Platform
    import Silicon
    import X86

    extension Lifecycle {
        /// Only in the test's build: faults of the hypervisor itself, on a guest's demand (RAX = 4641554Ch, RBX = which).
        func injectFault() {
            guard cpu.rax == 0x4641_554C else { return }
            switch cpu.rbx {
            case 0: cpu_ud2()
            case 1: store(0 as UInt64, image_address() + 0x1000)  // the program is read-only
            case 2: overflowStack(0)
            // Everything that the other partitions own lies outside of this core's page tables.
            case 3: _ = load(cpu.rcx, as: UInt64.self)
            case 4:
                partition.value.takeLock()
                cpu_ud2()
            default: break
            }
        }

        @inline(never)
        private func overflowStack(_ depth: Int) {
            var space: [64 of Int] = .init(repeating: depth)
            space[depth & 63] = depth
            overflowStack(depth + space[(depth + 1) & 63] - depth + 1)
            store(space[depth & 63], image_address())
        }
    }
#endif
