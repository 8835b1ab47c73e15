import Platform

/// What a partition is handed as its secret, as Linux takes files beside those of its initrd: a cpio archive of its own behind it, in
/// the format "newc" (Linux Documentation/driver-api/early-userspace/buffer-format.rst), with the folder `bulkhead` and in it the file
/// `secret`, which root alone may read.
enum SecretArchive {
    private static let folder: StaticString = "bulkhead\0"
    private static let file: StaticString = "bulkhead/secret\0"
    private static let trailer: StaticString = "TRAILER!!!\0"

    /// Bytes of the archive with a secret of `count`.
    static func size(of count: Int) -> UInt64 {
        header(of: folder) + header(of: file) + padded(UInt64(count)) + header(of: trailer)
    }

    /// - Parameter place: guest-physical, a multiple of 4, with `size(of:)` bytes of clear memory behind it.
    static func write(_ secret: UnsafeRawBufferPointer, at place: UInt64, to memory: borrowing GuestMemory) {
        var place = place
        write(folder, mode: 0o40700, size: 0, number: 1, at: &place, to: memory)
        write(file, mode: 0o100400, size: secret.count, number: 2, at: &place, to: memory)
        unsafe memory.copy(from: secret, to: place)
        place += padded(UInt64(secret.count))
        write(trailer, mode: 0, size: 0, number: 0, at: &place, to: memory)
    }

    private static func padded(_ count: UInt64) -> UInt64 { (count + 3) & ~3 }
    private static func header(of name: StaticString) -> UInt64 { padded(110 + UInt64(name.utf8CodeUnitCount)) }

    /// Magic, and thirteen numbers of eight hexadecimal digits: inode, mode, user, group, links, time, size, devices, the name's size.
    private static func write(
        _ name: StaticString, mode: Int, size: Int, number: Int, at place: inout UInt64,
        to memory: borrowing GuestMemory
    ) {
        let fields: [13 of Int] = [number, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name.utf8CodeUnitCount, 0]
        let magic: [6 of UInt8] = [0x30, 0x37, 0x30, 0x37, 0x30, 0x31]
        for i in 0..<6 { memory.store(magic[i], at: place + UInt64(i)) }
        for i in 0..<13 {
            for digit in 0..<8 {
                let value = UInt8(truncatingIfNeeded: fields[i] >> (28 - 4 * digit)) & 15
                memory.store(value + (value < 10 ? 0x30 : 0x57), at: place + 6 + UInt64(8 * i + digit))
            }
        }
        for i in 0..<name.utf8CodeUnitCount { memory.store(unsafe name.utf8Start[i], at: place + 110 + UInt64(i)) }
        place += header(of: name)
    }
}
