import Silicon
import Text

extension Refusal {
    /// A service has failed, with this EFI_STATUS.
    init(_ service: StaticString, status: UInt64) {
        var line = LogLine("the firmware refused ", service)
        line.write(" with status %x", status)
        self.init(line)
    }

    static func check(_ service: StaticString, _ status: UInt64) throws(Refusal) {
        if status != 0 { throw Refusal(service, status: status) }
    }
}

/// Calls `body` with the address of a value that a service of the firmware reads or writes meanwhile.
func withAddress<T: ~Copyable, R>(of value: inout T, _ body: (UInt64) -> R) -> R {
    unsafe withUnsafeMutablePointer(to: &value) { body(UInt64(UInt(bitPattern: $0))) }
}

/// UEFI as it is before ExitBootServices: memory, files, tables (UEFI 2.10, sections 4 and 7).
struct Firmware: ~Copyable {
    let image: EFI_ADDRESS
    let system: Pointer<EFI_SYSTEM_TABLE>
    let boot: Pointer<EFI_BOOT_SERVICES>
    /// A page that lists what was allocated: a count, then address and pages of each; 0 when the firmware had none.
    private var allocations: UInt64 = 0

    init(image: EFI_ADDRESS, _ system: Pointer<EFI_SYSTEM_TABLE>) {
        self.image = image
        self.system = system
        boot = Pointer(at: system.value.BootServices)
        allocations = (try? allocate(4096, .anywhere)) ?? 0
        if allocations != 0 { store(0 as UInt64, allocations) }
    }

    /// Gives back all that was allocated: nothing stays behind when a machine or a manifest is refused.
    borrowing func freeAll() {
        guard allocations != 0 else { return }
        for i in 0..<load(allocations, as: UInt64.self) {
            let entry = allocations + 16 + i * 16
            _ = efi_call(boot.value.FreePages, load(entry), load(entry + 8), 0, 0, 0)
        }
        _ = efi_call(boot.value.FreePages, allocations, 1, 0, 0, 0)
    }

    private func note(_ address: UInt64, pages: UInt64) {
        guard allocations != 0 else { return }
        let count: UInt64 = load(allocations)
        guard count < 255 else { return }
        store(address, allocations + 16 + count * 16)
        store(pages, allocations + 24 + count * 16)
        store(count + 1, allocations)
    }

    struct Placement {
        /// EFI_ALLOCATE_TYPE, and the address that belongs to it.
        fileprivate let type: UInt64, address: UInt64
        static let anywhere = Placement(type: 0, address: 0)
        /// The last byte lies at or below this address.
        static func below(_ limit: UInt64) -> Placement { Placement(type: 1, address: limit) }
        static func at(_ base: UInt64) -> Placement { Placement(type: 2, address: base) }
    }

    /// Pages for the hypervisor or a partition (EfiLoaderData). `bytes` is rounded up to 4 KiB. A refusal names the purpose.
    borrowing func allocate(
        _ bytes: UInt64, _ placement: Placement, for purpose: StaticString = "memory"
    ) throws(Refusal) -> UInt64 {
        var address = placement.address
        let service = boot.value.AllocatePages, pages = (bytes + 4095) / 4096
        let status = withAddress(of: &address) { efi_call(service, placement.type, 2, pages, $0, 0) }
        guard status == 0 else { throw Refusal("AllocatePages", status: status).during(purpose, isShortage: true) }
        note(address, pages: pages)
        return address
    }

    /// Fills `buffer` with the memory map; gives its bytes, its key and the distance of its descriptors.
    borrowing func memoryMap(
        buffer: UInt64, size: UInt64
    ) throws(Refusal) -> (size: UInt64, key: UInt64, stride: UInt64) {
        var values: [4 of UInt64] = [size, 0, 0, 0]
        let service = boot.value.GetMemoryMap
        try Refusal.check(
            "GetMemoryMap", withAddress(of: &values) { efi_call(service, $0, buffer, $0 + 8, $0 + 16, $0 + 24) })
        return (values[0], values[1], values[2])
    }

    /// Leaves boot services for good. The map may change under the first call; the second is the last (section 7.4.6).
    borrowing func exitBootServices(buffer: UInt64, size: UInt64) throws(Refusal) {
        var status: UInt64 = 0
        // From the first call on, only the services for memory are sure to be there, even if it fails.
        BootLog.end()
        for _ in 0..<2 {
            let map = try memoryMap(buffer: buffer, size: size)
            status = efi_call(boot.value.ExitBootServices, image, map.key, 0, 0, 0)
            if status == 0 { return }
        }
        try Refusal.check("ExitBootServices", status)
    }

    /// Keeps the firmware's own events and interrupts away until `restore`, as while sizes of BARs are found by writing
    /// (section 7.1.8; TPL_HIGH_LEVEL). No service may be called meanwhile.
    borrowing func raiseLevel() -> UInt64 { efi_call(boot.value.RaiseTPL, 31, 0, 0, 0, 0) }
    borrowing func restoreLevel(_ level: UInt64) { _ = efi_call(boot.value.RestoreTPL, level, 0, 0, 0, 0) }

    borrowing func stopWatchdog() { _ = efi_call(boot.value.SetWatchdogTimer, 0, 0, 0, 0, 0) }

    /// The interface of `protocolID` on a handle.
    borrowing func interface<T>(_ protocolID: EFI_GUID, on handle: EFI_ADDRESS) throws(Refusal) -> Pointer<T> {
        let service = boot.value.HandleProtocol
        return try Self.find("HandleProtocol", protocolID) { efi_call(service, handle, $0, $1, 0, 0) }
    }

    /// The first interface of `protocolID` that anything has.
    borrowing func locate<T>(_ protocolID: EFI_GUID) throws(Refusal) -> Pointer<T> {
        let service = boot.value.LocateProtocol
        return try Self.find("LocateProtocol", protocolID) { efi_call(service, $0, 0, $1, 0, 0) }
    }

    /// Calls `ask` with where the protocol's identifier is and where the answer is to be.
    private static func find<T>(
        _ service: StaticString, _ protocolID: EFI_GUID, _ ask: (UInt64, UInt64) -> UInt64
    ) throws(Refusal) -> Pointer<T> {
        var id = protocolID, interface: UInt64 = 0
        let status = withAddress(of: &id) { id in withAddress(of: &interface) { ask(id, $0) } }
        try Refusal.check(service, status)
        return Pointer(at: interface)
    }

    /// The table that the firmware published under `id`, nil when there is none.
    borrowing func configurationTable(_ id: EFI_GUID) -> UInt64? {
        for i in 0..<min(system.value.NumberOfTableEntries, 256) {
            let entry = Pointer<EFI_CONFIGURATION_TABLE>(
                at: system.value.ConfigurationTable + i * UInt64(MemoryLayout<EFI_CONFIGURATION_TABLE>.stride))
            if entry.value.VendorGuid.low == id.low && entry.value.VendorGuid.high == id.high {
                return entry.value.VendorTable
            }
        }
        return nil
    }

    /// Seconds since 1970-01-01 by the firmware's clock (section 8.3), 0 when it has none.
    borrowing func unixTime() -> UInt64 {
        var time = EFI_TIME()
        let services = Pointer<EFI_RUNTIME_SERVICES>(at: system.value.RuntimeServices)
        let status = withAddress(of: &time) { efi_call(services.value.GetTime, $0, 0, 0, 0, 0) }
        guard status == 0, (1970...9999).contains(time.Year), (1...12).contains(time.Month) else { return 0 }
        // Days from the civil calendar, years counted from March.
        let month = Int(time.Month), y = Int(time.Year) - (month <= 2 ? 1 : 0)
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + Int(time.Day) - 1
        let days = y * 365 + y / 4 - y / 100 + y / 400 + dayOfYear - 719_468
        let seconds = days * 86_400 + Int(time.Hour) * 3_600 + Int(time.Minute) * 60 + Int(time.Second)
        // Local time is UTC less the zone's minutes; others are none.
        let zone = (-1440...1440).contains(time.TimeZone) ? Int(time.TimeZone) : 0
        return UInt64(max(0, seconds + zone * 60))
    }
}

extension EFI_GUID {
    static let loadedImage = EFI_GUID(low: 0x11D2_9562_5B1B_31A1, high: 0x3B72_69C9_A000_3F8E)
    static let simpleFileSystem = EFI_GUID(low: 0x11D2_6459_964E_5B22, high: 0x3B72_69C9_A000_398E)
    static let acpi20 = EFI_GUID(low: 0x11D3_E4F1_8868_E871, high: 0x8188_3CC7_8000_22BC)
    static let finalEvents = EFI_GUID(low: 0x4254_30E2_1E2E_D096, high: 0x2523_F8BE_3B86_89BD)
    static let multiprocessorServices = EFI_GUID(low: 0x4F46_A76E_3FDD_A605, high: 0x083D_1B53_F412_29AD)
}
