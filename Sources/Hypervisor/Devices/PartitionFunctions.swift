import Platform
import Silicon
import X86

/// The PCI functions that one partition owns, for its own cores alone; guarded by the partition's lock.
struct PartitionFunctions: ~Copyable {
    let bus: MachineBus
    /// The functions as the guest sees them; what follows is in the same order.
    var guest: GuestBus
    private(set) var interrupts = InlineArray<8, InterruptBlock>(repeating: InterruptBlock())
    private(set) var resets = InlineArray<8, ResetMethod>(repeating: .none)
    private let platform: PlatformDescription

    init(_ bus: MachineBus, _ platform: PlatformDescription) {
        self.bus = bus
        self.platform = platform
        guest = GuestBus(hostBridge: bus.read(0, 0, size: 4), memorySize: platform.memorySize)
    }

    mutating func append(
        _ function: FunctionDescription, virtualFunctions: Int, _ block: InterruptBlock, _ reset: ResetMethod,
        through window: FunctionWindow
    ) throws(GuestBusError) {
        interrupts[guest.count] = block
        resets[guest.count] = reset
        try guest.append(function, virtualFunctions: virtualFunctions, on: window)
    }

    /// Brings every function to what it is after power-on; a bus is reset once for all that lie behind it.
    /// - Returns: the first function that did not come back, if any.
    func reset(ticksPerMillisecond: UInt64) -> UInt16? {
        var failed: UInt16?
        for i in 0..<guest.count {
            let function = guest.functions[i].description
            var method = resets[i]
            for j in 0..<i where method == .bus && resets[j] == .bus {
                if guest.functions[j].description.bridge == function.bridge { method = .none }
            }
            let isBack = FunctionReset(bus).reset(function, by: method) {
                let end = cpu_rdtsc() &+ UInt64($0) &* ticksPerMillisecond / 1000
                while cpu_rdtsc() < end { cpu_pause() }
            }
            if !isBack, failed == nil { failed = function.requester }
        }
        return failed
    }

    func message(_ function: UInt16, apicID: UInt32, vector: UInt8) -> (address: UInt64, data: UInt32)? {
        for i in 0..<guest.count where guest.functions[i].description.requester == function {
            for vcpu in 0..<platform.vcpuCount where platform.apicIDs[vcpu] == apicID {
                return interrupts[i].message(vcpu: vcpu, vector: vector)
            }
        }
        return nil
    }
}

/// What the model of a guest's functions reaches of the machine.
struct FunctionWindow: FunctionAccess {
    let functions: Shared<PartitionFunctions>

    func read(_ function: UInt16, _ offset: Int, size: Int) -> UInt32 {
        functions.value.bus.read(function, offset, size: size)
    }
    func write(_ function: UInt16, _ offset: Int, size: Int, _ value: UInt32) {
        functions.value.bus.write(function, offset, size: size, value)
    }
    func message(_ function: UInt16, apicID: UInt32, vector: UInt8) -> (address: UInt64, data: UInt32)? {
        functions.value.message(function, apicID: apicID, vector: vector)
    }

    func readRegister(_ address: UInt64, size: Int) -> UInt64 {
        switch size {
        case 1: UInt64(mmio_read8(address))
        case 2: UInt64(mmio_read16(address))
        case 4: UInt64(mmio_read32(address))
        default: mmio_read64(address)
        }
    }

    func writeRegister(_ address: UInt64, size: Int, _ value: UInt64) {
        switch size {
        case 1: mmio_write8(address, UInt8(truncatingIfNeeded: value))
        case 2: mmio_write16(address, UInt16(truncatingIfNeeded: value))
        case 4: mmio_write32(address, UInt32(truncatingIfNeeded: value))
        default: mmio_write64(address, value)
        }
    }
}
