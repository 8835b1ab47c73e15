import Control
import Platform
import Records
import Resources
import Silicon
import Synchronization

/// Where a core's private structures lie: one block of 52 KiB. A fault handler finds it by the descriptor table register. What
/// tools outside know of it is `OwnershipEntry`'s.
struct CoreLayout {
    static let size = UInt64(CORE_SIZE)
    let base: UInt64
    /// Its constants begin the second page, which the core maps read-only; what changes lies in front of them.
    var state: Pointer<CoreState> { Pointer(at: registers - CoreState.headerAt) }
    var registers: UInt64 { base + UInt64(CORE_HEADER_AT) }
    /// What VMSAVE keeps of the host, chiefly its task register: 400h to 640h of the page, as in a control block.
    var hostState: UInt64 { base + OwnershipEntry.constants }
    var hostSave: UInt64 { base + OwnershipEntry.hostSave }
    var controlBlock: UInt64 { base + OwnershipEntry.controlBlock }
    /// That of the partition's device model.
    var modelBlock: UInt64 { controlBlock + 0x1000 }
    /// A double fault, such as a stack that has run into the guard page, gets a stack of its own.
    var doubleFaultStackTop: UInt64 { guardPage }
    /// Not mapped: a stack that overflows faults instead of overwriting other structures.
    var guardPage: UInt64 { base + OwnershipEntry.guardPage }
    /// Segment descriptors and the task state segment, in the last quarter of the page of constants.
    var descriptors: UInt64 { base + OwnershipEntry.constants + 0xC00 }
    var stackBottom: UInt64 { guardPage + 0x1000 }
    var stackTop: UInt64 { base + Self.size }
}

/// What one core's instance of the hypervisor knows. Written by this core alone, but for `isStarted`.
struct CoreState: ~Copyable {
    /// What CPUID answers depend on, and the clock that the guest's vCPU has registered.
    var cpuid: CPUIDContext
    var cpuidTable = CPUIDTable()
    var clock: KVMClock
    var exitHistory = ExitHistory()
    /// Of the housekeeping core, by what is new on the partition's control page.
    var kicks = Budget(capacity: 64, perSecond: 64)
    /// How many faults of the hypervisor are being handled on this core, one inside the other.
    var faultDepth = 0
    /// How many faults in a row have come before a guest could start again.
    var failedEnds = 0
    /// What the self-check reads wrongly, an MSR or the number of an item, and in which bits: 0 but where faults are injected.
    var misread: (number: UInt32, bits: UInt64) = (0, 0)
    /// Set by whoever comes first: this core, when it is ready, or the boot core, which gives it up.
    let isStarted = Atomic<Bool>(false)
    /// Set by the boot core when every core is on its own tables: kicks come from then on.
    let mayRun = Atomic<Bool>(false)
    /// The guest's registers. Behind them nothing is written after boot, nor can be: the core maps it read-only.
    private(set) var header: core_header
    let index: Int
    let apicID: UInt32
    let layout: CoreLayout
    /// The partition whose vCPU this core is, nil for a housekeeping core without one.
    let partition: Pointer<PartitionContext>?
    let vcpu: Int
    /// Where this vCPU's exits are counted, on the partition's control page.
    let counters: Pointer<ExitCounters>
    /// What answers managers, on the housekeeping core only.
    let housekeeping: Pointer<Housekeeping>?
    let program: ProgramMemory
    /// Whether a thread of the same physical core is not this partition's.
    let hasOthersSibling: Bool
    /// Masks, limits and class that the core has written.
    let resources: CoreResources

    /// Bytes in front of `header`.
    static var headerAt: UInt64 {
        let place = Pointer<CoreState>(at: 0x1000)
        return unsafe withUnsafeMutablePointer(to: &place.value.header) { UInt64(UInt(bitPattern: $0)) } - 0x1000
    }

    /// Of a boot vCPU's core. One that has faulted for the third time does nothing any more.
    func showLife() {
        if vcpu == 0, faultDepth < 3 { partition?.value.controlPage.value.life.add(1, ordering: .relaxed) }
    }

    /// That of the core that executes this; nil while the machine is set up.
    static var own: Pointer<CoreState>? {
        let page = cpu_gdt_base() & ~0xFFF
        return load(page) == UInt64(CORE_MAGIC) ? CoreLayout(base: page - OwnershipEntry.constants).state : nil
    }

    init(
        _ core: consuming OwnedCore, layout: CoreLayout, pageTables: UInt64, partition: Pointer<PartitionContext>?,
        vcpu: Int, housekeeping: Pointer<Housekeeping>?, program: ProgramMemory, hasOthersSibling: Bool,
        resources: CoreResources
    ) {
        let before = Self.headerAt + UInt64(CORE_MAGIC_AT)
        precondition(before <= 0x1000 && UInt64(MemoryLayout<CoreState>.size) - before <= 0x400)
        header = core_header(registers: guest_registers(), magic: UInt64(CORE_MAGIC), cr3: pageTables)
        let platform = partition?.value.platform ?? PlatformDescription.none
        cpuid = CPUIDContext(platform, vcpu: vcpu)
        cpuid.vendor = program.vendor
        clock = KVMClock(platform)
        kicks.ticksPerSecond = max(UInt64(platform.tscKHz) * 1000, 1)
        self.program = program
        self.hasOthersSibling = hasOthersSibling
        self.resources = resources
        index = core.index
        apicID = core.apicID
        self.layout = layout
        self.partition = partition
        self.vcpu = vcpu
        counters = partition?.value.controlPage.value.counters(of: vcpu) ?? Pointer(at: 0)
        self.housekeeping = housekeeping
    }
}
