import PCI
import Platform
import Remapping
import Silicon

/// One PCI function that a partition owns, and what it may do.
struct OwnedFunction {
    var description = FunctionDescription()
    var interrupts = InterruptBlock.empty
    /// Virtual functions of this physical one, and how many of them are enabled for whoever owns them.
    var virtual = VirtualFunctions()
    var virtualCount = 0
    var isVirtual: Bool { description.physicalFunction != nil }
}

/// The PCI functions that one partition owns, for its own cores alone; guarded by the partition's lock.
struct PartitionFunctions: ~Copyable {
    let bus: MachineBus
    /// Whether other partitions own virtual functions of this one's physical functions.
    let hasDependents: Bool
    /// The functions as the guest sees them; what follows is in the same order.
    var guest: GuestBus
    /// Up to where the console was read when its reader was given up; at first there is none.
    var lostReader: UInt64 = 0
    /// Whether a call to the device model has not come to its end: until the next guest, none follows.
    var isModelLeft = false
    /// Of those that root mode stands for, those at the end of a wire.
    var wires = [8 of WireEnd?](repeating: nil)
    private(set) var owned = InlineArray<8, OwnedFunction>(repeating: OwnedFunction())
    fileprivate let platform: PlatformDescription

    init(_ bus: MachineBus, _ platform: PlatformDescription, hasDependents: Bool) {
        self.bus = bus
        self.hasDependents = hasDependents
        self.platform = platform
        guest = GuestBus(hostBridge: bus.read(0, 0, size: 4), memorySize: platform.memorySize)
    }

    /// Adds a function and takes it from firmware: see `GuestFunction.takeFromFirmware`.
    mutating func append(
        _ function: OwnedFunction, through window: FunctionWindow, wait: (UInt32) -> Void
    ) throws(GuestBusError) {
        owned[guest.count] = function
        try guest.append(function.description, virtualFunctions: function.virtualCount, on: window)
        guest.functions[guest.count - 1].takeFromFirmware(on: window, wait: wait)
    }

    /// Resets the virtual functions, or the others, some of which may take virtual ones away; a bus is reset once for all that
    /// lie behind it. `restore` comes behind both.
    /// - Parameter keepsPhysical: whether those on which virtual functions depend stay as they are: at boot they were reset
    ///   before their virtual ones were enabled.
    func reset(virtual: Bool, keepsPhysical: Bool, ticksPerMillisecond: UInt64) {
        for i in 0..<guest.count where owned[i].isVirtual == virtual {
            if keepsPhysical, owned[i].virtualCount > 0 { continue }
            var method = owned[i].description.reset
            for j in 0..<guest.count where j != i {
                let stays = keepsPhysical && owned[j].virtualCount > 0, other = owned[j].description
                if owned[i].description.isReset(with: other, isBefore: j < i, stays: stays) { method = .none }
            }
            FunctionReset(bus).reset(owned[i].description, by: method) { wait($0, ticksPerMillisecond) }
        }
    }

    /// Brings every function to what it is after power-on, physical ones before the virtual ones that they may have again.
    /// - Parameter keepsVirtual: whether virtual ones are left alone: they may be gone while their physical function is reset.
    /// - Returns: the first function that did not come back, if any.
    func restore(keepsVirtual: Bool, ticksPerMillisecond: UInt64) -> UInt16? {
        var failed: UInt16?
        for pass in 0..<(keepsVirtual ? 1 : 2) {
            for i in 0..<guest.count where owned[i].isVirtual == (pass == 1) {
                let isBack = FunctionReset(bus).restore(owned[i].description) { wait($0, ticksPerMillisecond) }
                if isBack { wait(owned[i].virtual.enable(owned[i].virtualCount, on: bus), ticksPerMillisecond) }
                if !isBack, failed == nil { failed = owned[i].description.requester }
            }
        }
        return failed
    }
}

/// What the model of a guest's functions reaches of the machine.
struct FunctionWindow: FunctionAccess {
    let functions: Pointer<PartitionFunctions>

    func read(_ function: UInt16, _ offset: Int, size: Int) -> UInt32 {
        functions.value.bus.read(function, offset, size: size)
    }
    func write(_ function: UInt16, _ offset: Int, size: Int, _ value: UInt32) {
        functions.value.bus.write(function, offset, size: size, value)
    }
    func message(_ function: UInt16, apicID: UInt32, vector: UInt8) -> (address: UInt64, data: UInt32)? {
        let platform = functions.value.platform
        for i in 0..<functions.value.guest.count where functions.value.owned[i].description.requester == function {
            for vcpu in 0..<platform.vcpuCount where platform.apicIDs[vcpu] == apicID {
                return functions.value.owned[i].interrupts.message(vcpu: vcpu, vector: vector)
            }
        }
        return nil
    }

    func rest() { openWindow() }
}

/// Waits for so many microseconds.
func wait(_ microseconds: UInt32, _ ticksPerMillisecond: UInt64) {
    let end = cpu_rdtsc() &+ UInt64(microseconds) &* ticksPerMillisecond / 1000
    while cpu_rdtsc() < end { openWindow() }
}
