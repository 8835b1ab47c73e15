import Silicon
import Text
import X86

/// Where the firmware starts the hypervisor. Returns to the firmware, and leaves the machine as it was, when the machine
/// or the manifest is refused.
@c(hypervisor_main)
public func hypervisorMain(image: UInt64, systemTable: UInt64) -> UInt64 {
    // Firmware has 128 KiB of stack (UEFI 2.10, section 2.3.4); setting up a machine takes more.
    let services = BootServices(Pointer(at: systemTable)), pages: UInt64 = 128
    guard let stack = try? services.allocate(pages: pages, .anywhere) else { return Refusal.efiStatus }
    let answer = call_on_stack(stack + pages * 4096, image, systemTable, bootMachine)
    services.free(stack, pages: pages)
    return answer
}

@c(boot_machine)
func bootMachine(image: UInt64, systemTable: UInt64) -> UInt64 {
    let entryTSC = cpu_rdtsc()
    SerialPort.log.initialize(interrupts: false)
    var banner = LogLine("bulkhead: version ")
    banner.write(Version.text)
    banner.write(", ")
    banner.write(decimal: image_data_end() - image_address())
    banner.write(" bytes")
    SerialPort.log.print(banner)
    let firmware = Firmware(image: image, Pointer(at: systemTable))
    let interrupts = InterruptTable.current
    let refusal = boot(firmware, entryTSC)
    interrupts.activate()
    firmware.freeAll()
    refusal.print()
    return Refusal.efiStatus
}

/// Comes back only with a refusal.
private func boot(_ firmware: borrowing Firmware, _ entryTSC: UInt64) -> Refusal {
    do throws(Refusal) { try start(firmware, entryTSC) } catch { return error }
}

enum Version {
    static let text: StaticString = "0.1.0"
}

/// From power-on to guests, as an ordered list; nothing of the machine changes before `exitBootServices`.
private func start(_ firmware: borrowing Firmware, _ entryTSC: UInt64) throws(Refusal) -> Never {
    firmware.stopWatchdog()
    let vendor = try Vendor.ofThisProcessor()
    var program = try ProgramMemory(firmware, vendor, CrashRegion.prepare(firmware, entryTSC))
    program.interrupts.takeExceptions()
    try vendor.requireProcessor()
    #if FAULT_INJECTION
        let fault = BootFault(firmware)
        fault.inject(.firmware)
    #endif
    let machine = try DiscoveredMachine(firmware, vendor, entryTSC: entryTSC, bootTime: program.crash.bootTime)
    let plan = try machine.plan(firmware)
    program.readSymbols(firmware)
    program.crash.describe(plan, program.symbols)
    try plan.leaveFirmware(firmware)

    Chipset.silence()
    plan.machine.silenceFunctions()
    plan.enableVirtualFunctions()
    program.takeProcessor()
    #if FAULT_INJECTION
        fault.inject(.building)
    #endif
    let built: BuiltMachine
    do throws(Refusal) { built = try vendor.build(plan, program) } catch {
        // The firmware is gone: there is nobody to return to.
        error.print()
        while true { cpu_hlt() }
    }
    built.start(program)
}
