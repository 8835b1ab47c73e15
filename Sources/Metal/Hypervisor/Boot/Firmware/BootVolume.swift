import Manifest
import Silicon
import Text

/// A file read into pages of its own.
struct LoadedFile {
    var address: UInt64 = 0
    var size: UInt64 = 0
}

/// The volume that the firmware started the hypervisor from (UEFI 2.10, sections 13.4 and 13.5).
struct BootVolume: ~Copyable {
    private let root: UInt64

    init(_ firmware: borrowing Firmware) throws(FirmwareError) {
        let loadedImage = try firmware.interface(.loadedImage, on: firmware.image)
        let device: UInt64 = load(loadedImage + 0x18)
        let fileSystem = try firmware.interface(.simpleFileSystem, on: device)
        var root: UInt64 = 0
        let status = unsafe withUnsafeMutablePointer(to: &root) {
            efi_call(load(fileSystem + 8), fileSystem, UInt64(UInt(bitPattern: $0)), 0, 0, 0)
        }
        guard status == 0 else { throw FirmwareError(service: "OpenVolume", status: status) }
        self.root = root
    }

    /// Reads `\BULKHEAD\<path>` whole, into memory of its own that begins and ends at multiples of `alignment` (a power of
    /// two, at least 4 KiB). `limit` bounds its size in bytes.
    borrowing func read<let n: Int>(
        _ path: Text<n>, limit: UInt64, alignment: UInt64 = 4096, _ firmware: borrowing Firmware
    ) throws(FirmwareError) -> LoadedFile {
        let file = try open(path)
        let size = try self.size(of: file)
        guard size > 0 && size <= limit else { throw .fileSize(size, limit: limit) }
        let rounded = (size + alignment - 1) & ~(alignment - 1)
        let raw = try firmware.allocate(rounded + alignment - 4096, .anywhere)
        let address = (raw + alignment - 1) & ~(alignment - 1)
        var done: UInt64 = 0
        while done < size {
            var chunk = size - done
            let status = unsafe withUnsafeMutablePointer(to: &chunk) {
                efi_call(load(file + 0x20), file, UInt64(UInt(bitPattern: $0)), address + done, 0, 0)
            }
            guard status == 0, chunk > 0 else { throw FirmwareError(service: "Read", status: status) }
            done += chunk
        }
        _ = efi_call(load(file + 0x10), file, 0, 0, 0, 0)
        // A guest may read the pages to their end: nothing of what was there before.
        let rest = unsafe UnsafeMutableRawPointer(bitPattern: UInt(address + size))
        unsafe rest.unsafelyUnwrapped.initializeMemory(as: UInt8.self, repeating: 0, count: Int(rounded - size))
        return LoadedFile(address: address, size: size)
    }

    /// A file that is being written to.
    struct Appending {
        fileprivate let file: UInt64

        func write(_ address: UInt64, _ size: UInt64) throws(FirmwareError) {
            var size = size
            let status = unsafe withUnsafeMutablePointer(to: &size) {
                efi_call(load(file + 0x28), file, UInt64(UInt(bitPattern: $0)), address, 0, 0)
            }
            guard status == 0 else { throw FirmwareError(service: "Write", status: status) }
        }

        func close() { _ = efi_call(load(file + 0x10), file, 0, 0, 0, 0) }
    }

    /// Opens `\BULKHEAD\<path>` to write behind what is there; one that has `limit` bytes or more is begun anew.
    borrowing func append(to path: ImagePath, limit: UInt64) throws(FirmwareError) -> Appending {
        var file = try open(path, .create)
        if try size(of: file) >= limit {
            _ = efi_call(load(file + 0x18), file, 0, 0, 0, 0)  // Delete, which closes it too
            file = try open(path, .create)
        }
        let status = efi_call(load(file + 0x38), file, .max, 0, 0, 0)
        guard status == 0 else { throw FirmwareError(service: "SetPosition", status: status) }
        return Appending(file: file)
    }

    /// Open modes (section 13.5).
    private enum Mode: UInt64 {
        case read = 1
        case create = 0x8000_0000_0000_0003
    }

    /// EFI_NOT_FOUND.
    private static let notFound: UInt64 = 0x8000_0000_0000_000E

    private borrowing func open<let n: Int>(_ path: Text<n>, _ mode: Mode = .read) throws(FirmwareError) -> UInt64 {
        var name: [80 of UInt16] = .init(repeating: 0)
        let folder: StaticString = "\\BULKHEAD\\"
        for i in 0..<folder.utf8CodeUnitCount { unsafe name[i] = UInt16(folder.utf8Start[i]) }
        for i in 0..<min(path.count, 69) {
            let byte = path.bytes[i]
            name[10 + i] = byte == 0x2F ? 0x5C : UInt16(byte)
        }
        var file: UInt64 = 0
        let status = unsafe withUnsafeMutablePointer(to: &file) { file in
            unsafe withUnsafeMutablePointer(to: &name) {
                efi_call(
                    load(root + 8), root, UInt64(UInt(bitPattern: file)), UInt64(UInt(bitPattern: $0)), mode.rawValue,
                    0)
            }
        }
        if status == Self.notFound { throw .noSuchFile }
        guard status == 0 else { throw FirmwareError(service: "Open", status: status) }
        return file
    }

    private borrowing func size(of file: UInt64) throws(FirmwareError) -> UInt64 {
        var id = GUID.fileInfo
        var info: [64 of UInt64] = .init(repeating: 0)
        var bytes: UInt64 = 512
        let status = unsafe withUnsafeMutablePointer(to: &id) { id in
            unsafe withUnsafeMutablePointer(to: &info) { info in
                unsafe withUnsafeMutablePointer(to: &bytes) {
                    efi_call(
                        load(file + 0x40), file, UInt64(UInt(bitPattern: id)), UInt64(UInt(bitPattern: $0)),
                        UInt64(UInt(bitPattern: info)), 0)
                }
            }
        }
        guard status == 0 else { throw FirmwareError(service: "GetInfo", status: status) }
        return info[1]
    }
}
