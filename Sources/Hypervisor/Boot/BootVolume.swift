import Manifest
import Silicon

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
        return LoadedFile(address: address, size: size)
    }

    /// EFI_NOT_FOUND.
    private static let notFound: UInt64 = 0x8000_0000_0000_000E

    private borrowing func open<let n: Int>(_ path: Text<n>) throws(FirmwareError) -> UInt64 {
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
                    load(root + 8), root, UInt64(UInt(bitPattern: file)), UInt64(UInt(bitPattern: $0)), 1, 0)
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
