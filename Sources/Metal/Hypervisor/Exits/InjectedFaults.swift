#if FAULT_INJECTION
    import Control
    import Manifest
    import Text
    import Platform
    import Silicon
    import Synchronization
    import X86

    extension ExitContext {
        /// Only in the test's build: faults of the hypervisor itself, on a guest's demand (RAX = 4641554Ch, RBX = which).
        mutating func injectFault() {
            guard cpu.rax == 0x4641_554C else { return }
            let number = UInt32(truncatingIfNeeded: cpu.rcx)
            switch cpu.rbx {
            case 0: cpu_ud2()
            case 1: store(0 as UInt64, image_text_end() - 0x1000)  // the program is read-only
            case 2: cpu_push_at(core.value.layout.guardPage + 0x1000)  // the stack is used up
            // Everything that the other partitions own lies outside of this core's page tables.
            case 3: _ = mmio_read32(cpu.rcx)
            case 4:
                partition.value.takeLock(core.value.vcpu)
                cpu_ud2()
            // What the page tables are for is undone: the machine is looked at from outside then.
            case 5, 6:
                cpu_write_cr0(cpu_read_cr0() & ~CR0.writeProtect)
                Self.map(cpu.rcx, in: cpu.rbx == 5 ? cpu_read_cr3() : partition.value.nested[core.value.vcpu].memory)
                cpu_write_cr0(cpu_read_cr0() | CR0.writeProtect)
            // What only boot needs is gone.
            case 7:
                let erased = unsafe unsafeBitCast(image_address() + 0x2000, to: (@convention(c) (UInt64) -> Void).self)
                core_restart(core.value.layout.stackTop, 0, erased)
            // The core does not come back from root mode for so many ticks, nor give the lock back.
            case 8:
                partition.value.takeLock(core.value.vcpu)
                let start = cpu_rdtsc()
                while cpu_rdtsc() &- start < cpu.rcx { cpu_pause() }
            // A stray write to what never changes: the core's page tables, nested tables and those of a single step, the
            // context, the core's constants, its segments, and where the processor keeps the host.
            case 9...15:
                let nested = partition.value.nested[core.value.vcpu], layout = core.value.layout
                let places: [7 of UInt64] = [
                    cpu_read_cr3() + 8, nested.memory, nested.bus + 8, partition.address + PartitionContext.constantsAt,
                    layout.hostState, layout.descriptors, layout.hostSave,
                ]
                store(0 as UInt64, places[Int(cpu.rbx) - 9])
            // What no neighbour may feel, so that the tests' neighbour can be seen to notice it. RCX: a command for the
            // interrupt command register, address, value or ticks.
            case 16: cpu_wrmsr(MSR.x2apicICR, cpu.rcx)
            case 17: for _ in 0..<2000 { cpu_wrmsr(MSR.x2apicICR, cpu.rcx) }
            case 18:
                partition.value.signals[core.value.vcpu].nmi.store(true, ordering: .releasing)
                LocalAPIC.kick(core.value.apicID)
            case 19: _ = partition.value.guestMemory.store(0x5EED as UInt64, at: cpu.rcx)
            case 20: cpu_wrmsr(0x838, 0)  // the guest's timer stops
            case 21: cpu_write_dr(0)
            case 22:
                let start = cpu_rdtsc()
                while cpu_rdtsc() &- start < cpu.rcx { cpu_pause() }
            // The same, to the tables in which a kernel is locked.
            case 23: store(0 as UInt64, partition.value.watched.arenas)
            // What the self-check looks at is undone, or done again. RDX: the bits; RCX: a field of the VMCB, or a register.
            case 24 where Extension.vendor == .intel: vmx_write(number, vmx_read(number) ^ cpu.rdx)
            case 24:
                let field = core.value.layout.controlBlock + cpu.rcx
                store(load(field) ^ cpu.rdx, field)
            case 25: cpu_wrmsr(number, cpu_rdmsr(number) ^ cpu.rdx)
            case 26: cpu_write_cr0(cpu_read_cr0() ^ cpu.rdx)
            case 27: cpu_write_cr4(cpu_read_cr4() ^ cpu.rdx)
            // What cannot be undone while the core goes on is read wrongly.
            case 28: core.value.misread = (number, core.value.misread.bits ^ cpu.rdx)
            // Where it writes what is mapped read-only.
            case 29:
                cpu_write_cr0(cpu_read_cr0() & ~CR0.writeProtect)
                cpu_ud2()
            // On the housekeeping core, which has the units' registers. RDX: bits that are cleared; RCX: the register that is
            // read, and below it the one that is written.
            case 30:
                mmio_write32(cpu.rcx & 0xFFFF_FFFF, mmio_read32(cpu.rcx >> 32) & ~UInt32(truncatingIfNeeded: cpu.rdx))
            // As 8, but the lock is given back.
            case 31:
                partition.value.takeLock(core.value.vcpu)
                let start = cpu_rdtsc()
                while cpu_rdtsc() &- start < cpu.rcx { cpu_pause() }
                partition.value.releaseLock()
            // As a device model does that its guest has taken over: its program is not mapped any more.
            case 32:
                if let model = partition.value.model {
                    store(0 as UInt64, model.tables + (ModelMemory.program >> 39) * 8)
                }
            default: break
            }
        }

        /// Two MiB at `address`, whoever owns them, below the first GiB, where every table has a directory already.
        private static func map(_ address: UInt64, in root: UInt64) {
            var table = root
            for _ in 0..<2 { table = LongModeFormat.address(load(table)) }
            store(address | 0x8000_0000_0000_00E7, table + (address >> 21 & 511) * 8)
        }
    }

    /// A fault while the machine is set up, where the boot volume asks for one: the first letter of `\BULKHEAD\fault`, and
    /// behind it a core's number.
    struct BootFault {
        private var wanted: UInt8 = 0
        nonisolated(unsafe) private static var deafness: (kind: UInt8, core: Int) = (0, -1)

        init(_ firmware: borrowing Firmware) {
            let path: ImagePath = "fault"
            guard let file = try? BootVolume(firmware).read(path, limit: 1024, firmware) else { return }
            wanted = load(file.address)
            for i in 0..<48 where file.size == 200 { unsafe Self.record[i] = load(file.address + 8 + UInt64(i) * 4) }
            unsafe Self.deafness = (wanted, Int(load(file.address + 1, as: UInt8.self)) - 0x30)
        }

        /// Whether a core does not hear start-up IPIs: "o": those of the first round; "n": none; "l": those that come before
        /// it is given up.
        static func isDeaf(_ core: Int, _ attempt: Int) -> Bool {
            guard unsafe core == deafness.core else { return false }
            let kind = unsafe deafness.kind
            return kind == 0x6E || kind == 0x6C && attempt < 6 || kind == 0x6F && attempt == 0
        }

        /// "h": whether the core does not come back from a reset for which others stand still.
        static func losesCore(_ cores: CoreSet) -> Bool {
            let core = unsafe deafness.core
            return unsafe deafness.kind == 0x68 && 0..<64 ~= core && cores.contains(CoreSet(core: core))
        }

        /// "v": whether the core faults whenever it looks at images.
        static func isBlind(_ cores: CoreSet) -> Bool {
            let core = unsafe deafness.core
            return unsafe deafness.kind == 0x76 && 0..<64 ~= core && cores.contains(CoreSet(core: core))
        }

        nonisolated(unsafe) private static var record = [48 of UInt32](repeating: 0)

        /// What the machine is taken to answer to a leaf of CPUID that tells of caches and keys, where the boot volume says so:
        /// "r", and from byte 8 on eight times leaf, subleaf, EAX, EBX, ECX and EDX.
        static func claim(_ leaf: UInt32, _ subleaf: UInt32) -> CPUIDRegisters? {
            guard unsafe deafness.kind == 0x72 else { return nil }
            for at in stride(from: 0, to: 48, by: 6) {
                guard unsafe record[at] == leaf, unsafe record[at + 1] == subleaf else { continue }
                return unsafe CPUIDRegisters(
                    eax: record[at + 2], ebx: record[at + 3], ecx: record[at + 4], edx: record[at + 5])
            }
            return nil
        }

        enum Phase: UInt8 {
            /// While the firmware still runs: "f".
            case firmware = 0x66
            /// When it has been left: "b".
            case building = 0x62
        }

        func inject(_ phase: Phase) { if wanted == phase.rawValue { cpu_ud2() } }
    }
#endif
