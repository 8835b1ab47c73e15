import Silicon

extension FirmwareTables {
    /// Lists the processors by EFI_MP_SERVICES_PROTOCOL (UEFI Platform Initialization 1.8, volume 2, section 13.4).
    mutating func askMultiprocessorServices(_ firmware: borrowing Firmware) {
        guard let services: Pointer<EFI_MP_SERVICES_PROTOCOL> = try? firmware.locate(.multiprocessorServices) else {
            return
        }
        // All processors, and those that are enabled.
        var counts: [2 of UInt64] = [0, 0]
        let status = withAddress(of: &counts) {
            efi_call(services.value.GetNumberOfProcessors, services.address, $0, $0 + 8, 0, 0)
        }
        guard status == 0 else { return }
        for index in 0..<min(counts[0], UInt64(Self.maxProcessors)) {
            var information = EFI_PROCESSOR_INFORMATION()
            let status = withAddress(of: &information) {
                efi_call(services.value.GetProcessorInfo, services.address, index, $0, 0, 0)
            }
            // PROCESSOR_ENABLED_BIT.
            if status == 0, information.StatusFlag & 2 != 0 { add(UInt32(truncatingIfNeeded: information.ProcessorId)) }
        }
    }
}
