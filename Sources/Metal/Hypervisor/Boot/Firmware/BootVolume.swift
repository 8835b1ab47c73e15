import Manifest
import Silicon
import Text

/// A file read into pages of its own.
struct LoadedFile {
    var address: UInt64 = 0
    var size: UInt64 = 0
    /// TSC ticks that the firmware took.
    var readTicks: UInt64 = 0

    /// Frames that its large pages may take in a page table: one for each GiB that it touches, one for its 512 GiB.
    var tableFrames: Int { size == 0 ? 0 : Int((address + size - 1) >> 30 - address >> 30) + 2 }
}

/// The volume that the firmware started the hypervisor from (UEFI 2.10, sections 13.4 and 13.5).
struct BootVolume: ~Copyable {
    private let root: Pointer<EFI_FILE_PROTOCOL>
    /// The letter of the slot whose files are in `\BULKHEAD\<letter>`; 0: they are in `\BULKHEAD`.
    private let slot: UInt16

    init(_ firmware: borrowing Firmware) throws(Refusal) {
        let image: Pointer<EFI_LOADED_IMAGE_PROTOCOL> = try firmware.interface(.loadedImage, on: firmware.image)
        let system: Pointer<EFI_SIMPLE_FILE_SYSTEM_PROTOCOL> = try firmware.interface(
            .simpleFileSystem, on: image.value.DeviceHandle)
        var root: UInt64 = 0
        try Refusal.check(
            "OpenVolume", withAddress(of: &root) { efi_call(system.value.OpenVolume, system.address, $0, 0, 0, 0) })
        self.root = Pointer(at: root)
        // The boot entry's options, with or without their end. Firmware and shells give all kinds of others.
        let size = image.value.LoadOptionsSize
        let letter: UInt16 = size == 2 || size == 4 ? load(image.value.LoadOptions) : 0
        slot = 0x61...0x62 ~= letter ? letter : 0
    }

    /// Reads `\BULKHEAD\<path>` whole, into memory of its own that begins and ends at multiples of `alignment` (a power of
    /// two, at least 4 KiB). `limit` bounds its size in bytes.
    borrowing func read<let n: Int>(
        _ path: borrowing Text<n>, limit: UInt64, alignment: UInt64 = 4096, _ firmware: borrowing Firmware
    ) throws(Refusal) -> LoadedFile {
        let file = try open(path)
        let size = try self.size(of: file)
        guard size > 0 && size <= limit else {
            throw Refusal(LogLine("the file has %d bytes; 1 to %d are read", size, limit))
        }
        let rounded = (size + alignment - 1) & ~(alignment - 1)
        let raw = try firmware.allocate(rounded + alignment - 4096, .anywhere)
        let address = (raw + alignment - 1) & ~(alignment - 1)
        var done: UInt64 = 0
        while done < size {
            // Some firmware fails where it is to read much at once.
            var chunk = min(size - done, 1 << 20)
            let status = withAddress(of: &chunk) { efi_call(file.value.Read, file.address, $0, address + done, 0, 0) }
            guard status == 0, chunk > 0 else { throw Refusal("Read", status: status) }
            done += chunk
        }
        _ = efi_call(file.value.Close, file.address, 0, 0, 0, 0)
        // A guest may read the pages to their end: nothing of what was there before.
        let rest = unsafe UnsafeMutableRawPointer(bitPattern: UInt(address + size))
        unsafe rest.unsafelyUnwrapped.initializeMemory(as: UInt8.self, repeating: 0, count: Int(rounded - size))
        return LoadedFile(address: address, size: size)
    }

    /// A file that is being written to.
    struct Appending {
        fileprivate let file: Pointer<EFI_FILE_PROTOCOL>

        func write(_ address: UInt64, _ size: UInt64) throws(Refusal) {
            var size = size
            try Refusal.check(
                "Write", withAddress(of: &size) { efi_call(file.value.Write, file.address, $0, address, 0, 0) })
        }

        func close() { _ = efi_call(file.value.Close, file.address, 0, 0, 0, 0) }
    }

    /// Opens `\BULKHEAD\<path>` to write behind what is there; one that has `limit` bytes or more is begun anew.
    borrowing func append(to path: borrowing ImagePath, limit: UInt64) throws(Refusal) -> Appending {
        var file = try open(path, .create)
        if try size(of: file) >= limit {
            _ = efi_call(file.value.Delete, file.address, 0, 0, 0, 0)  // closes it too
            file = try open(path, .create)
        }
        try seek(file, .max)
        return Appending(file: file)
    }

    /// EFI_NOT_FOUND.
    private static let notFound: UInt64 = 0x8000_0000_0000_000E
    /// Open modes (section 13.5).
    private enum Mode: UInt64 {
        case read = 1
        case create = 0x8000_0000_0000_0003
    }

    private borrowing func open<let n: Int>(
        _ path: borrowing Text<n>, _ mode: Mode = .read
    ) throws(Refusal) -> Pointer<EFI_FILE_PROTOCOL> {
        var name: [80 of UInt16] = .init(repeating: 0)
        let folder: StaticString = "\\BULKHEAD\\"
        for i in 0..<folder.utf8CodeUnitCount { unsafe name[i] = UInt16(folder.utf8Start[i]) }
        let start = slot == 0 ? 10 : 12
        if slot != 0 { (name[10], name[11]) = (slot, 0x5C) }
        for i in 0..<min(path.count, 67) {
            let byte = path.bytes[i]
            name[start + i] = byte == 0x2F ? 0x5C : UInt16(byte)
        }
        var file: UInt64 = 0
        let root = root
        let status = withAddress(of: &file) { file in
            withAddress(of: &name) { efi_call(root.value.Open, root.address, file, $0, mode.rawValue, 0) }
        }
        if status == Self.notFound { throw Refusal("there is no such file on the boot volume") }
        try Refusal.check("Open", status)
        return Pointer(at: file)
    }

    /// Bytes; the position is at the beginning again.
    private borrowing func size(of file: Pointer<EFI_FILE_PROTOCOL>) throws(Refusal) -> UInt64 {
        var end: UInt64 = 0
        try seek(file, .max)
        try Refusal.check(
            "GetPosition", withAddress(of: &end) { efi_call(file.value.GetPosition, file.address, $0, 0, 0, 0) })
        try seek(file, 0)
        return end
    }

    /// - Parameter position: the largest number is the end.
    private borrowing func seek(_ file: Pointer<EFI_FILE_PROTOCOL>, _ position: UInt64) throws(Refusal) {
        try Refusal.check(
            "SetPosition", efi_call(file.value.SetPosition, file.address, position, 0, 0, 0))
    }
}
