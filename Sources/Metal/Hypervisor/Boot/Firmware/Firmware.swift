import Manifest
import Silicon
import Text

/// What was asked of the firmware in vain.
enum FirmwareError: Error {
    /// A service failed, with its EFI_STATUS.
    case refused(service: StaticString, status: UInt64)
    case noSuchFile
    /// Bytes of a file that is not read, and the most that would be.
    case fileSize(UInt64, limit: UInt64)

    init(service: StaticString, status: UInt64) { self = .refused(service: service, status: status) }

    func describe(to line: inout LogLine) {
        switch self {
        case .refused(let service, let status):
            line.write("the firmware refused ")
            line.write(service)
            line.write(" with status ")
            line.write(hexadecimal: status)
        case .noSuchFile: line.write("there is no such file on the boot volume")
        case .fileSize(let size, let limit):
            line.write("the file has ")
            line.write(decimal: size)
            line.write(" bytes; 1 to ")
            line.write(decimal: limit)
            line.write(" are read")
        }
    }
}

/// UEFI as it is before ExitBootServices: memory, files, tables (UEFI 2.10, sections 4 and 7).
struct Firmware: ~Copyable {
    let image: UInt64
    let systemTable: UInt64
    private let bootServices: UInt64
    /// A page that lists what was allocated: a count, then address and pages of each; 0 when the firmware had none.
    private let allocations: UInt64

    init(image: UInt64, systemTable: UInt64) {
        self.image = image
        self.systemTable = systemTable
        let bootServices: UInt64 = load(systemTable + 0x60)
        self.bootServices = bootServices
        var address: UInt64 = 0
        let status = unsafe withUnsafeMutablePointer(to: &address) {
            efi_call(load(bootServices + 0x28), 0, 2, 1, UInt64(UInt(bitPattern: $0)), 0)
        }
        allocations = status == 0 ? address : 0
        if allocations != 0 { store(0 as UInt64, allocations) }
    }

    /// Gives back all that was allocated: nothing stays behind when a machine or a manifest is refused.
    borrowing func freeAll() {
        guard allocations != 0 else { return }
        for i in 0..<load(allocations, as: UInt64.self) {
            _ = call(0x30, load(allocations + 16 + i * 16), load(allocations + 24 + i * 16))
        }
        _ = call(0x30, allocations, 1)
    }

    private func note(_ address: UInt64, pages: UInt64) {
        guard allocations != 0 else { return }
        let count: UInt64 = load(allocations)
        guard count < 255 else { return }
        store(address, allocations + 16 + count * 16)
        store(pages, allocations + 24 + count * 16)
        store(count + 1, allocations)
    }

    enum Placement {
        case anywhere
        /// The last byte lies at or below this address.
        case below(UInt64)
        case at(UInt64)
    }

    /// Pages for the hypervisor or a partition. `bytes` is rounded up to 4 KiB.
    borrowing func allocate(_ bytes: UInt64, _ placement: Placement) throws(FirmwareError) -> UInt64 {
        let type: UInt64
        var address: UInt64 = 0
        switch placement {
        case .anywhere: type = 0
        case .below(let limit): (type, address) = (1, limit)
        case .at(let base): (type, address) = (2, base)
        }
        let status = unsafe withUnsafeMutablePointer(to: &address) {
            call(0x28, type, 2, (bytes + 4095) / 4096, UInt64(UInt(bitPattern: $0)))
        }
        guard status == 0 else { throw FirmwareError(service: "AllocatePages", status: status) }
        note(address, pages: (bytes + 4095) / 4096)
        return address
    }

    /// Fills `buffer` with the memory map; gives its bytes, its key and the size of one descriptor.
    borrowing func memoryMap(
        buffer: UInt64, size: UInt64
    ) throws(FirmwareError) -> (size: UInt64, key: UInt64, stride: UInt64) {
        var values: [4 of UInt64] = [size, 0, 0, 0]
        let status = unsafe withUnsafeMutablePointer(to: &values) {
            let at = UInt64(UInt(bitPattern: $0))
            return call(0x38, at, buffer, at + 8, at + 16, at + 24)
        }
        guard status == 0 else { throw FirmwareError(service: "GetMemoryMap", status: status) }
        return (values[0], values[1], values[2])
    }

    /// Leaves boot services for good. The map may change under the first call; the second is the last (section 7.4.6).
    borrowing func exitBootServices(buffer: UInt64, size: UInt64) throws(FirmwareError) {
        var status: UInt64 = 0
        for _ in 0..<2 {
            let map = try memoryMap(buffer: buffer, size: size)
            status = call(0xE8, image, map.key)
            if status == 0 { return }
        }
        throw FirmwareError(service: "ExitBootServices", status: status)
    }

    borrowing func stopWatchdog() { _ = call(0x100, 0, 0, 0, 0) }

    borrowing func stall(microseconds: UInt64) { _ = call(0xF8, microseconds) }

    /// The interface of `protocolID` on a handle.
    borrowing func interface(_ protocolID: GUID, on handle: UInt64) throws(FirmwareError) -> UInt64 {
        var id = protocolID
        var interface: UInt64 = 0
        let status = unsafe withUnsafeMutablePointer(to: &id) { id in
            unsafe withUnsafeMutablePointer(to: &interface) {
                call(0x98, handle, UInt64(UInt(bitPattern: id)), UInt64(UInt(bitPattern: $0)))
            }
        }
        guard status == 0 else { throw FirmwareError(service: "HandleProtocol", status: status) }
        return interface
    }

    /// The first interface of `protocolID` that anything has.
    borrowing func locate(_ protocolID: GUID) throws(FirmwareError) -> UInt64 {
        var id = protocolID
        var interface: UInt64 = 0
        let status = unsafe withUnsafeMutablePointer(to: &id) { id in
            unsafe withUnsafeMutablePointer(to: &interface) {
                call(0x140, UInt64(UInt(bitPattern: id)), 0, UInt64(UInt(bitPattern: $0)))
            }
        }
        guard status == 0 else { throw FirmwareError(service: "LocateProtocol", status: status) }
        return interface
    }

    /// The table that the firmware published under `id`, nil when there is none.
    borrowing func configurationTable(_ id: GUID) -> UInt64? {
        let count: UInt64 = load(systemTable + 0x68)
        let tables: UInt64 = load(systemTable + 0x70)
        for i in 0..<min(count, 256) {
            let entry = tables + i * 24
            if load(entry) == id.low && load(entry + 8) == id.high { return load(entry + 16) }
        }
        return nil
    }

    /// Seconds since 1970-01-01 by the firmware's clock (section 8.3), 0 when it has none.
    borrowing func unixTime() -> UInt64 {
        var time: [2 of UInt64] = [0, 0]
        let runtimeServices: UInt64 = load(systemTable + 0x58)
        let service: UInt64 = load(runtimeServices + 0x18)
        let status = unsafe withUnsafeMutablePointer(to: &time) {
            efi_call(service, UInt64(UInt(bitPattern: $0)), 0, 0, 0, 0)
        }
        guard status == 0 else { return 0 }
        let year = Int(time[0] & 0xFFFF), month = Int(time[0] >> 16 & 0xFF), day = Int(time[0] >> 24 & 0xFF)
        let hour = Int(time[0] >> 32 & 0xFF), minute = Int(time[0] >> 40 & 0xFF), second = Int(time[0] >> 48 & 0xFF)
        guard (1970...9999).contains(year), (1...12).contains(month) else { return 0 }
        // Days from the civil calendar, years counted from March.
        let y = month <= 2 ? year - 1 : year
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let days = y * 365 + y / 4 - y / 100 + y / 400 + dayOfYear - 719_468
        return UInt64(max(0, days * 86_400 + hour * 3_600 + minute * 60 + second))
    }

    private borrowing func call(
        _ offset: UInt64, _ a: UInt64 = 0, _ b: UInt64 = 0, _ c: UInt64 = 0, _ d: UInt64 = 0, _ e: UInt64 = 0
    ) -> UInt64 {
        efi_call(load(bootServices + offset), a, b, c, d, e)
    }
}

struct GUID {
    let low: UInt64
    let high: UInt64
    static let loadedImage = GUID(low: 0x11D2_9562_5B1B_31A1, high: 0x3B72_69C9_A000_3F8E)
    static let simpleFileSystem = GUID(low: 0x11D2_6459_964E_5B22, high: 0x3B72_69C9_A000_398E)
    static let acpi20 = GUID(low: 0x11D3_E4F1_8868_E871, high: 0x8188_3CC7_8000_22BC)
    static let multiprocessorServices = GUID(low: 0x4F46_A76E_3FDD_A605, high: 0x083D_1B53_F412_29AD)
    static let fileInfo = GUID(low: 0x11D2_6D3F_0957_6E92, high: 0x3B72_69C9_A000_398E)
}
