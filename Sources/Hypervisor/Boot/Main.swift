import Control
import Manifest
import Platform
import Silicon
import X86

/// Where the firmware starts the hypervisor. Returns to the firmware, and leaves the machine as it was, when the machine
/// or the manifest is refused.
@c(hypervisor_main)
public func hypervisorMain(image: UInt64, systemTable: UInt64) -> UInt64 {
    let entryTSC = cpu_rdtsc()
    SerialPort.log.initialize(interrupts: false)
    var banner = Line("bulkhead: version ")
    banner.write(Version.text)
    banner.write(", ")
    banner.write(decimal: image_data_end() - image_address())
    banner.write(" bytes")
    SerialPort.log.print(banner)
    let firmware = Firmware(image: image, systemTable: systemTable)
    let interrupts = InterruptTable.current
    let refusal = boot(firmware, entryTSC)
    interrupts.activate()
    firmware.freeAll()
    var line = Line("bulkhead: refused: ")
    line.write(refusal.text)
    SerialPort.log.print(line)
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
    var program = try ProgramMemory(firmware)
    program.interrupts.takeExceptions()
    try requireProcessor()
    guard let tables = FirmwareTables(firmware), tables.processorCount > 0 else {
        throw Refusal("the firmware has no ACPI tables that list processors")
    }
    guard tables.timerPort != 0 else { throw Refusal("the firmware's ACPI tables name no timer") }

    var machine = MachineBuilder(tables: tables, entryTSC: entryTSC)
    try machine.readManifest(firmware)
    try machine.readImages(firmware)
    program.readSymbols(firmware)
    machine.bootTime = firmware.unixTime()
    machine.tscKHz = ClockRate.kHz(timerPort: tables.timerPort)
    try machine.leaveFirmware(firmware)

    Chipset.silence()
    program.takeProcessor()
    program.fillMaps()
    do throws(Refusal) { try machine.build(program) } catch {
        // The firmware is gone: there is nobody to return to.
        var line = Line("bulkhead: refused: ")
        line.write(error.text)
        SerialPort.log.print(line)
        while true { cpu_hlt() }
    }
    machine.start(program)
}

/// What every core needs of its processor, or the name of what is missing.
private func requireProcessor() throws(Refusal) {
    guard cpu_cpuid(0x8000_0000, 0).eax >= 0x8000_000A, cpu_cpuid(0x8000_0001, 0).ecx & 1 << 2 != 0 else {
        throw Refusal("the processor has no SVM (CPUID 80000001h ECX bit 2)")
    }
    guard cpu_rdmsr(MSR.vmCR) & 1 << 4 == 0 else { throw Refusal("SVM is disabled by the firmware (VM_CR.SVMDIS)") }
    guard cpu_cpuid(0x8000_000A, 0).edx & 1 != 0 else {
        throw Refusal("the processor has no nested paging (CPUID 8000000Ah EDX bit 0)")
    }
    guard cpu_cpuid(0x8000_000A, 0).ebx > UInt32(Manifest.maxPartitions) else {
        throw Refusal("the processor has fewer address space ids than there may be partitions (CPUID 8000000Ah EBX)")
    }
    guard cpu_cpuid(1, 0).ecx & 1 << 21 != 0 else { throw Refusal("the processor has no x2APIC (CPUID 1 ECX bit 21)") }
}
