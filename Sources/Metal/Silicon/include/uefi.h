// Structures of the firmware, with the names of UEFI 2.10. Services are addresses to be called by `efi_call`: Swift cannot
// express their calling convention.
#pragma once
#include <stdint.h>

/// A service, or an address or handle that is passed on.
typedef uint64_t EFI_SERVICE, EFI_ADDRESS;

/// Appendix A, as two little-endian words.
typedef struct {
    uint64_t low, high;
} EFI_GUID;

/// Section 4.2.
typedef struct {
    uint64_t Signature;
    uint32_t Revision, HeaderSize, CRC32, Reserved;
} EFI_TABLE_HEADER;

/// Section 4.6.
typedef struct {
    EFI_GUID VendorGuid;
    EFI_ADDRESS VendorTable;
} EFI_CONFIGURATION_TABLE;

/// Section 4.3.
typedef struct {
    EFI_TABLE_HEADER Hdr;
    EFI_ADDRESS FirmwareVendor;
    uint32_t FirmwareRevision;
    EFI_ADDRESS ConsoleInHandle, ConIn, ConsoleOutHandle, ConOut, StandardErrorHandle, StdErr, RuntimeServices, BootServices;
    uint64_t NumberOfTableEntries;
    EFI_ADDRESS ConfigurationTable;
} EFI_SYSTEM_TABLE;

/// Section 4.4, up to the last service that is called.
typedef struct {
    EFI_TABLE_HEADER Hdr;
    EFI_SERVICE RaiseTPL, RestoreTPL, AllocatePages, FreePages, GetMemoryMap, AllocatePool, FreePool, CreateEvent, SetTimer,
        WaitForEvent, SignalEvent, CloseEvent, CheckEvent, InstallProtocolInterface, ReinstallProtocolInterface,
        UninstallProtocolInterface, HandleProtocol, Reserved, RegisterProtocolNotify, LocateHandle, LocateDevicePath,
        InstallConfigurationTable, LoadImage, StartImage, Exit, UnloadImage, ExitBootServices, GetNextMonotonicCount, Stall,
        SetWatchdogTimer, ConnectController, DisconnectController, OpenProtocol, CloseProtocol, OpenProtocolInformation,
        ProtocolsPerHandle, LocateHandleBuffer, LocateProtocol;
} EFI_BOOT_SERVICES;

/// Section 4.5, up to the last service that is called.
typedef struct {
    EFI_TABLE_HEADER Hdr;
    EFI_SERVICE GetTime, SetTime, GetWakeupTime, SetWakeupTime, SetVirtualAddressMap, ConvertPointer, GetVariable, GetNextVariableName,
        SetVariable;
} EFI_RUNTIME_SERVICES;

/// Section 7.2.3. The firmware says how far apart its descriptors are.
typedef struct {
    uint32_t Type;
    uint64_t PhysicalStart, VirtualStart, NumberOfPages, Attribute;
} EFI_MEMORY_DESCRIPTOR;

/// Section 8.3.
typedef struct {
    uint16_t Year;
    uint8_t Month, Day, Hour, Minute, Second, Pad1;
    uint32_t Nanosecond;
    int16_t TimeZone;
    uint8_t Daylight, Pad2;
} EFI_TIME;

/// Section 9.1, up to the device that the image came from.
typedef struct {
    uint32_t Revision;
    EFI_ADDRESS ParentHandle, SystemTable, DeviceHandle, FilePath, Reserved;
    uint32_t LoadOptionsSize;
    EFI_ADDRESS LoadOptions;
} EFI_LOADED_IMAGE_PROTOCOL;

/// Section 12.3.
typedef struct {
    EFI_SERVICE Reset, ReadKeyStroke, WaitForKey;
} EFI_SIMPLE_TEXT_INPUT_PROTOCOL;

/// Section 12.4, up to the last service that is called.
typedef struct {
    EFI_SERVICE Reset, OutputString;
} EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL;

/// Section 13.4.
typedef struct {
    uint64_t Revision;
    EFI_SERVICE OpenVolume;
} EFI_SIMPLE_FILE_SYSTEM_PROTOCOL;

/// Section 13.5, up to the last service that is called.
typedef struct {
    uint64_t Revision;
    EFI_SERVICE Open, Close, Delete, Read, Write, GetPosition, SetPosition;
} EFI_FILE_PROTOCOL;

/// UEFI Platform Initialization 1.8, volume 2, section 13.4.
typedef struct {
    EFI_SERVICE GetNumberOfProcessors, GetProcessorInfo;
} EFI_MP_SERVICES_PROTOCOL;

typedef struct {
    uint64_t ProcessorId;
    uint32_t StatusFlag, Location[3], ExtendedInformation[6];
} EFI_PROCESSOR_INFORMATION;

/// TCG EFI Protocol Specification 1.0, revision 00.13, section 6.2, up to the last service that is called.
typedef struct {
    EFI_SERVICE GetCapability, GetEventLog, HashLogExtendEvent, SubmitCommand;
} EFI_TCG2_PROTOCOL;
