import Control
import Manifest
import Platform
import Silicon
import Synchronization

/// Whether a partition's vCPUs may run.
enum Gate {
    static let open: UInt32 = 0
    static let paused: UInt32 = 1
    static let closed: UInt32 = 2
}

/// What the cores of one partition tell each other about one vCPU.
struct Mailbox: ~Copyable {
    /// 0: nothing. 1: INIT. 100h + vector: start-up IPI.
    let startUp = Atomic<UInt32>(0)
    static let initSignal: UInt32 = 1
    /// A guest's NMI that is to be injected.
    let nmi = Atomic<Bool>(false)
    /// TSC when the vCPU stood still for a pause; 0 while it runs.
    let stoodAt = Atomic<UInt64>(0)
    /// Whether the vCPU's core is inside the run loop.
    let isActive = Atomic<Bool>(false)
}

/// One partition as its own cores know it; no other core maps it. Constant after boot, but for atomics and what `lock`
/// guards.
struct PartitionContext: ~Copyable {
    let spec: PartitionSpec
    let memory: FrameRange
    let addressSpace: AddressSpaceID
    let controlPage: Pointer<ControlPage>
    let kernel: LoadedFile
    let initrd: LoadedFile
    /// By vCPU. They share the page of `bus`, unless the partition has devices: then it carries registers' values.
    let nested: InlineArray<16, NestedRoots>
    let maps: PermissionMaps
    let platform: PlatformDescription
    /// The PCI functions that the partition owns; nil when it has none.
    let functions: Pointer<PartitionFunctions>?
    let gate = Atomic<UInt32>(Gate.closed)
    /// Why the guest must end, a `StateCause` plus 1; 0 while it may go on.
    let verdict = Atomic<UInt32>(0)
    /// Ticks for which the guest was paused since its start: all vCPUs' clocks are so much behind, so that a guest does
    /// not see the time in which it stood.
    let clockLag = Atomic<UInt64>(0)
    let mail: InlineArray<16, Mailbox>
    /// Guards `devices` between this partition's cores.
    /// The vCPU that holds it, plus 1; 0 while nobody does.
    let lock = Atomic<Int>(0)
    var devices: PlatformDevices

    var vcpuCount: Int { platform.vcpuCount }

    /// RAM as the loaders and the exit handlers reach it.
    var guestMemory: GuestMemory {
        // The range is this partition's own, mapped one-to-one by its cores alone.
        unsafe GuestMemory(
            base: UnsafeMutableRawPointer(bitPattern: UInt(memory.base)).unsafelyUnwrapped, size: memory.size)
    }

    /// Makes every vCPU's core but one look at the gate and its mail.
    func kick(allBut vcpu: Int) {
        for other in 0..<vcpuCount where other != vcpu { LocalAPIC.kick(platform.apicIDs[other]) }
    }

    /// Condemns the guest unless it is condemned already; the lead core then ends it.
    func condemn(_ cause: StateCause) {
        _ = verdict.compareExchange(
            expected: 0, desired: UInt32(cause.rawValue) + 1, ordering: .sequentiallyConsistent)
    }

    /// Makes the guest's clock go on where the last of its vCPUs stood, so that none sees time go back. Every vCPU was
    /// kicked when the pause began and is here at its next exit.
    func resumeClock() {
        var latest: UInt64 = 0
        for vcpu in 0..<vcpuCount {
            while mail[vcpu].isActive.load(ordering: .sequentiallyConsistent),
                mail[vcpu].stoodAt.load(ordering: .sequentiallyConsistent) == 0,
                verdict.load(ordering: .sequentiallyConsistent) == 0
            { cpu_pause() }
            latest = max(latest, mail[vcpu].stoodAt.load(ordering: .sequentiallyConsistent))
        }
        let now = cpu_rdtsc()
        if latest != 0, latest < now { clockLag.add(now - latest, ordering: .sequentiallyConsistent) }
    }

    @inline(__always)
    func takeLock(_ vcpu: Int) {
        while !lock.weakCompareExchange(expected: 0, desired: vcpu &+ 1, ordering: .acquiring).exchanged {
            while lock.load(ordering: .relaxed) != 0 {}
        }
    }
    @inline(__always)
    func releaseLock() { lock.store(0, ordering: .releasing) }
}

/// The guest-physical address space, thrice. All have the partition's memory; elsewhere, `memory` has nothing, so that every
/// access exits, `loader` has the images, read-only, and `bus` has one page everywhere, for the one instruction that is then
/// let through.
struct NestedRoots {
    let memory: UInt64
    /// Of the boot vCPU alone, else 0.
    let loader: UInt64
    let bus: UInt64
    /// That page: ones before each such instruction, as a bus on which nobody answers.
    let unclaimed: UInt64
}

/// What all cores read and none writes: which ports and MSRs reach the silicon.
struct PermissionMaps {
    let ports: UInt64
    let msrs: UInt64
}
