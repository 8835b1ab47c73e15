import DeviceModel
import ModelEntry
import Platform

/// Carries out one call. Runs in guest mode, as a guest of its own, in memory that is this partition's alone: who takes this
/// program over has gained what the partition's guest has anyway.
@c(model_serve)
func serve() {
    // Root mode has mapped and zeroed both, and enters on one core at a time.
    let page = unsafe UnsafeMutablePointer<ModelPage>(bitPattern: UInt(ModelMemory.page)).unsafelyUnwrapped
    let model = unsafe UnsafeMutablePointer<DeviceModel>(bitPattern: UInt(ModelMemory.state)).unsafelyUnwrapped
    if unsafe page.pointee.isReady == 0 {
        unsafe model.initialize(to: DeviceModel(page.pointee, output: ModelMemory.output, seals: ModelMemory.seals))
        unsafe page.pointee.isReady = 1
    }
    #if FAULT_INJECTION
        unsafe misbehave(&page.pointee)
    #endif
    unsafe model.pointee.answer(&page.pointee, now: { model_time() }, random: random)
}

private func random() -> UInt64? {
    var value: UInt64 = 0
    return unsafe model_random(&value) != 0 ? value : nil
}

#if FAULT_INJECTION
    /// Only in the test's build: what a model does that its guest has taken over, by what the guest writes to the function's last port.
    private func misbehave(_ page: inout ModelPage) {
        guard page.call.place == ModelCall.Place.ports.rawValue, page.call.isWrite, page.call.offset == 0x7C else {
            return
        }
        switch page.call.value {
        case 1: while true { _ = model_time() }
        // The test's neighbour lies there; and its own program.
        case 2, 3:
            let address = page.call.value == 2 ? 0x2000_0000 : ModelMemory.program
            unsafe UnsafeMutablePointer<UInt64>(bitPattern: UInt(address)).unsafelyUnwrapped.pointee = 0
        case 4: model_port()
        case 5: model_cpuid()
        // What root mode reads: ones.
        case 6:
            (page.answer, page.live, page.kicks, page.changes) = (.max, .max, .max, .max)
            (page.hasMore, page.waits, page.interruptCount) = (.max, .max, .max)
            page.interrupts = .init(repeating: .max)
            for i in 0..<8 { page.counters[i].frames = .max }
            unsafe UnsafeMutableRawPointer(bitPattern: UInt(page.rings)).unsafelyUnwrapped.initializeMemory(
                as: UInt8.self, repeating: 0xFF, count: 4096)
            unsafe UnsafeMutableRawPointer(bitPattern: UInt(ModelMemory.output)).unsafelyUnwrapped.initializeMemory(
                as: UInt8.self, repeating: 0xFF, count: 8192)
            model_return()
        default: break
        }
    }
#endif
