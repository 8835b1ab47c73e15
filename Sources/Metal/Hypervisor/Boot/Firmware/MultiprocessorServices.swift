import Silicon

extension FirmwareTables {
    /// Lists the processors by EFI_MP_SERVICES_PROTOCOL (UEFI Platform Initialization 1.8, volume 2, section 13.4).
    mutating func askMultiprocessorServices(_ firmware: borrowing Firmware) {
        guard let services = try? firmware.locate(.multiprocessorServices) else { return }
        var counts: [2 of UInt64] = [0, 0]
        let status = unsafe withUnsafeMutablePointer(to: &counts) {
            let at = UInt64(UInt(bitPattern: $0))
            return efi_call(load(services), services, at, at + 8, 0, 0)
        }
        guard status == 0 else { return }
        for index in 0..<min(counts[0], UInt64(Self.maxProcessors)) {
            // Processor id, status flags, location: 24 bytes, and 24 more with the extended form.
            var information: [8 of UInt64] = .init(repeating: 0)
            let status = unsafe withUnsafeMutablePointer(to: &information) {
                efi_call(load(services + 8), services, index, UInt64(UInt(bitPattern: $0)), 0, 0)
            }
            // Bit 1: the processor is enabled.
            if status == 0, information[1] & 2 != 0 { add(UInt32(truncatingIfNeeded: information[0])) }
        }
    }
}
