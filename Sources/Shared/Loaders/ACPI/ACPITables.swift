import Platform

/// Writes the guest's ACPI tables from `LowMemory.acpi` on: RSDP, XSDT, FADT, MADT, DSDT and, with a PCI bus or
/// a watchdog or a TPM, MCFG, WDAT and TPM2. The platform is hardware-reduced: no PM timer, no SCI, no PIC, no IOAPIC.
/// - Returns: the address of the RSDP.
@discardableResult
public func writeACPITables(_ platform: borrowing PlatformDescription, to memory: borrowing GuestMemory) -> UInt64 {
    let rsdp = LowMemory.acpi
    // The RSDP has 36 bytes, the XSDT five entries behind its header.
    let xsdt = rsdp + 0x40
    let dsdt = xsdt + 0x50
    let fadt = writeDSDT(platform, at: dsdt, to: memory)
    let madt = writeFADT(dsdt: dsdt, at: fadt, to: memory)
    let mcfg = writeMADT(platform, at: madt, to: memory)
    let wdat = platform.hasBus ? writeMCFG(at: mcfg, to: memory) : mcfg
    let tpm2 = platform.watchdog != 0 ? writeWDAT(at: wdat, to: memory) : wdat
    if platform.tpmMethod != 0 { writeTPM2(platform, at: tpm2, to: memory) }

    var table = TableWriter("XSDT", revision: 1, at: xsdt, in: memory)
    table.put(fadt, in: memory)
    table.put(madt, in: memory)
    if platform.hasBus { table.put(mcfg, in: memory) }
    if platform.watchdog != 0 { table.put(wdat, in: memory) }
    if platform.tpmMethod != 0 { table.put(tpm2, in: memory) }
    _ = table.seal(in: memory)
    writeRSDP(xsdt: xsdt, at: rsdp, to: memory)
    return rsdp
}

/// ACPI 6.5, 5.2.5.3; revision 2. There is no RSDT.
private func writeRSDP(xsdt: UInt64, at rsdp: UInt64, to memory: borrowing GuestMemory) {
    memory.zero(at: rsdp, count: 36)
    memory.copy(from: "RSD PTR ", to: rsdp)
    memory.copy(from: "BULKHD", to: rsdp + 9)
    memory.store(2 as UInt8, at: rsdp + 15)
    memory.store(36 as UInt32, at: rsdp + 20)
    memory.store(xsdt, at: rsdp + 24)
    memory.store(checksum(rsdp..<rsdp + 20, in: memory), at: rsdp + 8)
    memory.store(checksum(rsdp..<rsdp + 36, in: memory), at: rsdp + 32)
}

private func writeDSDT(
    _ platform: borrowing PlatformDescription, at address: UInt64, to memory: borrowing GuestMemory
) -> UInt64 {
    let aml = buildDSDT(platform)
    var table = TableWriter("DSDT", revision: 2, at: address, in: memory)
    for i in 0..<aml.count { table.put(aml.bytes[i], in: memory) }
    return table.seal(in: memory)
}

/// ACPI 6.5, 5.2.9; revision 6, 276 bytes.
private func writeFADT(dsdt: UInt64, at address: UInt64, to memory: borrowing GuestMemory) -> UInt64 {
    var table = TableWriter("FACP", revision: 6, at: address, in: memory)
    table.seek(108)
    table.put(RTC.century, in: memory)
    // IAPC_BOOT_ARCH: no VGA, no CMOS clock (the time is kvmclock's); no 8042, no legacy devices.
    table.put(1 << 2 | 1 << 5 as UInt16, in: memory)
    table.seek(112)
    // WBINVD works, no fixed power or sleep button, a reset register, hardware-reduced.
    table.put(1 << 0 | 1 << 4 | 1 << 5 | 1 << 10 | 1 << 20 as UInt32, in: memory)
    table.ioRegister(PortNumber.reset, in: memory)
    table.put(PortNumber.resetValue, in: memory)
    table.seek(140)
    table.put(dsdt, in: memory)
    table.seek(244)
    table.ioRegister(PortNumber.sleepControl, in: memory)
    table.ioRegister(PortNumber.sleepStatus, in: memory)
    memory.copy(from: "BULKHEAD", to: address + 268)  // hypervisor vendor
    table.seek(276)
    return table.seal(in: memory)
}

/// ACPI 6.5, 5.2.12, with local x2APIC structures (5.2.12.12) only: the APIC ids may be above 255 and need no
/// contiguity.
private func writeMADT(
    _ platform: borrowing PlatformDescription, at address: UInt64, to memory: borrowing GuestMemory
) -> UInt64 {
    var table = TableWriter("APIC", revision: 5, at: address, in: memory)
    table.put(0xFEE0_0000 as UInt32, in: memory)
    table.put(0 as UInt32, in: memory)  // flags: no 8259s
    for i in 0..<platform.vcpuCount {
        table.put(9 as UInt8, in: memory)
        table.put(16 as UInt8, in: memory)
        table.put(0 as UInt16, in: memory)
        table.put(platform.apicIDs[i], in: memory)
        table.put(1 as UInt32, in: memory)  // enabled
        table.put(UInt32(i), in: memory)  // processor UID
    }
    return table.seal(in: memory)
}

/// PCI Firmware 3.3, section 4.1.2: the configuration space of segment 0, bus 0.
private func writeMCFG(at address: UInt64, to memory: borrowing GuestMemory) -> UInt64 {
    var table = TableWriter("MCFG", revision: 1, at: address, in: memory)
    table.put(0 as UInt64, in: memory)
    table.put(GuestWindows.ecam, in: memory)
    table.put(0 as UInt64, in: memory)  // segment, first bus and last bus
    return table.seal(in: memory)
}

extension PortNumber {
    /// First of the UART's eight registers.
    static let uart: UInt16 = 0x3F8
    /// The panic device: a read tells which events the guest may report, a write reports.
    static let panic: UInt16 = 0x505
    /// The watchdog's two registers: run and kick, and the seconds between kicks.
    static let watchdog: UInt16 = 0x508
    /// The chipsets' reset control register.
    fileprivate static let reset: UInt16 = 0xCF9
    /// The value of the FADT's RESET_VALUE.
    fileprivate static let resetValue: UInt8 = 0x06
    /// The FADT's SLEEP_CONTROL_REG (ACPI 6.5, 4.8.3.7).
    fileprivate static let sleepControl: UInt16 = 0x604
    fileprivate static let sleepStatus: UInt16 = 0x605
}
