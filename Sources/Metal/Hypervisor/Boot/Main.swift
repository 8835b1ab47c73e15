import Manifest
import Remapping
import Silicon
import Text
import X86

/// Where the firmware starts the hypervisor. Returns to the firmware, and leaves the machine as it was, when the machine
/// or the manifest is refused.
@c(hypervisor_main)
public func hypervisorMain(image: UInt64, systemTable: UInt64) -> UInt64 {
    // Firmware has 128 KiB of stack (UEFI 2.10, section 2.3.4); setting up a machine takes more (`Tools/stack`).
    var firmware = Firmware(image: image, Pointer(at: systemTable))
    let size: UInt64 = 1 << 20
    if let stack = try? firmware.allocate(size, .anywhere) {
        withAddress(of: &firmware) { call_on_stack(stack + size, $0, bootMachine) }
    }
    firmware.freeAll()
    return Refusal.efiStatus
}

@c(boot_machine)
func bootMachine(_ firmware: UInt64) {
    let entryTSC = cpu_rdtsc()
    SerialPort.log.initialize()
    BootLog.begin(Pointer(at: firmware))
    var banner = LogLine("bulkhead: version ", Version.text)
    banner.write(", %d bytes", image_data_end() - image_address())
    BootLog.print(banner)
    let interrupts = InterruptTable.current
    do throws(Refusal) { try start(Pointer<Firmware>(at: firmware).value, entryTSC) } catch {
        interrupts.activate()
        error.print()
        BootLog.hold()
    }
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
    var plan = try machine.plan(firmware)
    program.readSymbols(firmware)
    program.crash.describe(plan, program.symbols)
    program.housekeeper = plan.machine.tables.apicIDs[plan.manifest.housekeeping]
    try plan.leaveFirmware(firmware)

    Chipset.silence()
    let built: BuiltMachine
    do throws(Refusal) {
        // The firmware's last act may have been to switch units off, as EDK2's drivers do, or to give them other tables.
        try plan.machine.iommu?.perform(.enable)
        plan.log.append()
        try plan.silenceFunctions()
        plan.enableVirtualFunctions()
        program.takeProcessor()
        #if FAULT_INJECTION
            fault.inject(.building)
        #endif
        built = try vendor.build(plan, program)
    } catch {
        // The firmware is gone: there is nobody to return to.
        error.print()
        while true { cpu_hlt() }
    }
    built.start(program)
}
