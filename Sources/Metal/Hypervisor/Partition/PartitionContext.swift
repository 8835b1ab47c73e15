import Control
import Manifest
import Platform
import Silicon
import Synchronization
import Watch

/// What the boot vCPU's core orders the partition's vCPUs to do.
enum VCPUOrder {
    static let run: UInt32 = 0
    static let pause: UInt32 = 1
    static let stop: UInt32 = 2
}

/// What the cores of one partition tell each other about one vCPU.
struct VCPUSignals: ~Copyable {
    /// 0: none; 1: INIT; 100h + vector: start-up IPI.
    let startUp = Atomic<UInt32>(0)
    static let initSignal: UInt32 = 1
    static let startUpIPI: UInt32 = 0x100
    /// A guest's NMI that is to be injected.
    let nmi = Atomic<Bool>(false)
    /// TSC when a pause stopped the vCPU; 0 while it runs.
    let pausedAt = Atomic<UInt64>(0)
    /// Whether the vCPU's core is inside the run loop. A secondary vCPU's may be until it has come and says otherwise.
    let isActive: Atomic<Bool>

    init(of vcpu: Int) { isActive = Atomic(vcpu != 0) }
}

/// One partition as its own cores know it; no other core maps it. What changes comes first: atomics, and what `lock` guards.
struct PartitionContext: ~Copyable {
    let order = Atomic<UInt32>(VCPUOrder.stop)
    /// Why the guest must end, a `StateCause` plus 1; 0 while it may go on.
    let endCause = Atomic<UInt32>(0)
    /// Ticks for which the guest was paused since its start: all vCPUs' clocks are so much behind, so that a guest does
    /// not see the time of a pause.
    let clockLag = Atomic<UInt64>(0)
    let signals: InlineArray<16, VCPUSignals>
    /// Guards `legacyDevices` and the model of `functions` between this partition's cores: the vCPU that holds it, plus 1; 0
    /// while nobody does.
    let lock = Atomic<Int>(0)
    var legacyDevices: LegacyDevices
    var watch = WatchState()
    /// Whether a guest has done what none may: then no other is handed the secret.
    var isSecretWithheld = false
    /// From here on nothing is written after boot, nor can be: the cores map it read-only.
    private(set) var spec: PartitionSpec
    let memory: FrameRange
    let addressSpace: AddressSpaceID
    let controlPage: Pointer<ControlPage>
    let kernel: LoadedFile
    let initrd: LoadedFile
    /// What the guest is handed behind its initrd.
    let secret: LoadedFile
    /// By vCPU. They share the page of `bus`, unless the partition has devices: then it carries registers' values.
    let nested: InlineArray<16, NestedRoots>
    let maps: PermissionMaps
    let platform: PlatformDescription
    /// The PCI functions that the partition owns; nil when it has none.
    let functions: Pointer<PartitionFunctions>?
    /// What stands for functions of the bus that no machine has; nil where there are none.
    let model: ModelRoots?
    /// Where its kernel may patch itself; and what the watch needs, of no tables where there is none.
    let sites: LoadedFile
    let watched: WatchFrames

    /// Bytes in front of `spec`, and the frames for them and for the rest.
    static var constantsAt: UInt64 {
        let place = Pointer<PartitionContext>(at: 0x1000)
        return unsafe withUnsafeMutablePointer(to: &place.value.spec) { UInt64(UInt(bitPattern: $0)) } - 0x1000
    }
    static var changingFrames: Int { Int(constantsAt + 4095) / 4096 }
    static var constantFrames: Int { (MemoryLayout<PartitionContext>.size - Int(constantsAt) + 4095) / 4096 }
    var vcpuCount: Int { platform.vcpuCount }

    /// RAM as the loaders and the exit handlers reach it: nothing of a locked kernel.
    var guestMemory: GuestMemory { ram(without: watch.kernel.parts) }
    /// All of it, to read from.
    func ram(without locked: [3 of Range<UInt64>] = .init(repeating: 0..<0)) -> GuestMemory {
        // The range is this partition's own, mapped one-to-one by its cores alone.
        unsafe GuestMemory(
            base: UnsafeMutableRawPointer(bitPattern: UInt(memory.base)).unsafelyUnwrapped, size: memory.size,
            locked: locked)
    }

    /// Makes every vCPU's core but one look at its order and its signals.
    func kick(allBut vcpu: Int) {
        for other in 0..<vcpuCount where other != vcpu { LocalAPIC.kick(platform.apicIDs[other]) }
    }

    /// Says why the guest must end, unless that is said already; the boot vCPU's core then ends it.
    /// - Returns: whether it is said now.
    @discardableResult
    func requestEnd(_ cause: StateCause) -> Bool {
        endCause.compareExchange(
            expected: 0, desired: UInt32(cause.rawValue) + 1, ordering: .sequentiallyConsistent
        ).exchanged
    }

    /// TSC when a core that was kicked now, and has not done what it is waited for, is lost.
    func deadline(seconds: UInt64 = 10) -> UInt64 { cpu_rdtsc() + UInt64(platform.tscKHz) * 1000 * seconds }

    /// The first vCPU but `own` that may still be in the guest when the deadline is over; nil when none is. Where the guest
    /// ends because one did not answer for long, the others have a second.
    func firstActive(but own: Int) -> Int? {
        let end = deadline(seconds: foundCause == .coreLost ? 1 : 10)
        for vcpu in 0..<vcpuCount where vcpu != own {
            while signals[vcpu].isActive.load(ordering: .sequentiallyConsistent) {
                guard cpu_rdtsc() < end else { return vcpu }
                openWindow()
            }
        }
        return nil
    }

    /// Why the guest must end; nil while it may go on.
    var foundCause: StateCause? {
        let cause = endCause.load(ordering: .sequentiallyConsistent)
        return cause == 0 ? nil : StateCause(rawValue: UInt8(truncatingIfNeeded: cause - 1)) ?? .violation
    }

    /// Makes the guest's clock go on where the last of its vCPUs stopped, so that none sees time go back. Every vCPU was
    /// kicked when the pause began and is here at its next exit; the guest ends where one is not.
    func resumeClock() {
        var latest: UInt64 = 0
        let end = deadline()
        for vcpu in 0..<vcpuCount {
            while signals[vcpu].isActive.load(ordering: .sequentiallyConsistent),
                signals[vcpu].pausedAt.load(ordering: .sequentiallyConsistent) == 0,
                endCause.load(ordering: .sequentiallyConsistent) == 0
            {
                openWindow()
                if cpu_rdtsc() >= end { requestEnd(.coreLost) }
            }
            latest = max(latest, signals[vcpu].pausedAt.load(ordering: .sequentiallyConsistent))
        }
        let now = cpu_rdtsc()
        guard latest != 0, latest < now else { return }
        clockLag.add(now - latest, ordering: .sequentiallyConsistent)
        let watchdog = controlPage.value.watchdog.load(ordering: .relaxed)
        if watchdog != 0 { controlPage.value.watchdog.store(watchdog + (now - latest), ordering: .relaxed) }
    }

    /// Tells the housekeeping core, which has a clock, until when the guest has to kick its watchdog. With `lock`.
    func showWatchdog() {
        controlPage.value.watchdog.store(legacyDevices.watchdog.deadline, ordering: .relaxed)
        controlPage.value.kicks.add(1, ordering: .relaxed)
    }

    /// Where the housekeeping core has given the boot vCPU's core up, nobody else stops the others: `vcpu`'s core does.
    @inline(never)
    func stopIfLost(_ vcpu: Int) {
        guard order.load(ordering: .sequentiallyConsistent) == VCPUOrder.run, controlPage.value.state == .crashed
        else { return }
        requestEnd(.coreLost)
        order.store(VCPUOrder.stop, ordering: .sequentiallyConsistent)
        kick(allBut: vcpu)
    }

    /// It is held for short work. When a core does not come back from that, this one leaves the guest, which ends.
    @inline(__always)
    func takeLock(_ vcpu: Int) {
        while !lock.weakCompareExchange(expected: 0, desired: vcpu &+ 1, ordering: .acquiring).exchanged { awaitLock() }
    }

    /// A function of its own: the path of an exit saves no registers for it.
    @inline(never)
    private func awaitLock() {
        let end = deadline()
        while case let held = lock.load(ordering: .relaxed), held != 0 {
            openWindow()
            CoreState.own?.value.serveManagers()
            if cpu_rdtsc() < end { continue }
            // It may be the boot vCPU's core, on which nobody else would wait.
            if requestEnd(.coreLost) { CoreState.own?.value.recordLoss(of: held &- 1) }
            CoreState.own?.value.leaveGuest(.coreLost)
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
    let msrsWithoutAPIC: UInt64
    /// As `msrs`, but writes to registers that the watch guards exit.
    let msrsGuarded: UInt64

    /// The one of MSRs that `map` is, else the one that a guest begins with.
    func msrs(now map: UInt64) -> UInt64 { map == msrsWithoutAPIC || map == msrsGuarded ? map : msrs }
}
