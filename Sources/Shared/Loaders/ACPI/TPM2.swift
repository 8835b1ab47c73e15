import Platform

/// The table of a TPM 2.0 (TCG ACPI Specification 1.4, section 8, revision 4): how it is driven, and where its event log lies. Linux's
/// tpm_crb takes start method 7, tpm_tis takes 6.
func writeTPM2(_ platform: borrowing PlatformDescription, at address: UInt64, to memory: borrowing GuestMemory) {
    var table = TableWriter("TPM2", revision: 4, at: address, in: memory)
    table.put(0 as UInt32, in: memory)  // of clients, no flags
    // A FIFO has no control area.
    table.put(platform.tpmMethod == 7 ? GuestWindows.tpm + 0x40 : 0, in: memory)
    table.put(platform.tpmMethod, in: memory)
    table.seek(64)  // behind 12 bytes of parameters, which neither method has
    table.put(platform.logSize, in: memory)
    table.put(platform.logSize == 0 ? 0 : platform.eventLog.lowerBound, in: memory)
    _ = table.seal(in: memory)
}

extension AMLBuilder {
    /// The device by which drivers find the TPM's registers (the same, section 9). It has no interrupt: polled.
    mutating func tpm() {
        let device = begin(0x82, extended: true)
        text("TPM_")
        name("_HID")
        string("MSFT0101")
        name("_CRS")
        fixedMemory(UInt32(GuestWindows.tpm), UInt32(GuestWindows.tpmSize))
        end(device)
    }
}
