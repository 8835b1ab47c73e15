import Firmware
import Testing

/// The firmware's structures as root mode declares them (`uefi.h`) lie as UEFI 2.10 says. By hand, from the specification's tables.
@Suite struct FirmwareLayoutTests {
    @Test func placesAreTheSpecifications() {
        typealias System = EFI_SYSTEM_TABLE
        #expect(MemoryLayout<System>.offset(of: \.ConIn) == 0x30)
        #expect(MemoryLayout<System>.offset(of: \.RuntimeServices) == 0x58)
        #expect(MemoryLayout<System>.offset(of: \.ConfigurationTable) == 0x70)
        typealias Boot = EFI_BOOT_SERVICES
        #expect(MemoryLayout<Boot>.offset(of: \.AllocatePages) == 0x28)
        #expect(MemoryLayout<Boot>.offset(of: \.HandleProtocol) == 0x98)
        #expect(MemoryLayout<Boot>.offset(of: \.LocateHandle) == 0xB0)
        #expect(MemoryLayout<Boot>.offset(of: \.ExitBootServices) == 0xE8)
        #expect(MemoryLayout<Boot>.offset(of: \.Stall) == 0xF8)
        #expect(MemoryLayout<Boot>.offset(of: \.LocateProtocol) == 0x140)
        #expect(MemoryLayout<EFI_RUNTIME_SERVICES>.offset(of: \.GetTime) == 0x18)
        #expect(MemoryLayout<EFI_RUNTIME_SERVICES>.offset(of: \.GetVariable) == 0x48)
        // TCG EFI Protocol Specification 1.0.
        #expect(MemoryLayout<EFI_TCG2_PROTOCOL>.offset(of: \.HashLogExtendEvent) == 0x10)
        #expect(MemoryLayout<EFI_MEMORY_DESCRIPTOR>.offset(of: \.NumberOfPages) == 24)
        #expect(MemoryLayout<EFI_LOADED_IMAGE_PROTOCOL>.offset(of: \.LoadOptions) == 0x38)
        #expect(MemoryLayout<EFI_FILE_PROTOCOL>.offset(of: \.SetPosition) == 0x38)
        #expect(MemoryLayout<EFI_PROCESSOR_INFORMATION>.offset(of: \.StatusFlag) == 8)
    }

    @Test func sizesAreTheSpecifications() {
        #expect(MemoryLayout<EFI_CONFIGURATION_TABLE>.size == 24)
        #expect(MemoryLayout<EFI_TIME>.size == 16)
        #expect(MemoryLayout<EFI_PROCESSOR_INFORMATION>.size == 48)
    }
}
