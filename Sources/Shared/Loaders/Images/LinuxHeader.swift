import Platform

/// The setup header of a bzImage (Linux Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header").
struct LinuxHeader: Sendable {
    /// Offset of the header in the image and in `boot_params`.
    static let start: UInt64 = 0x1F1

    /// Bytes of the header, from `start`.
    let size: UInt64
    /// Offset and size of the protected-mode kernel in the image.
    let payload: UInt64
    let payloadSize: UInt64
    let loadAddress: UInt64
    /// Bytes that the kernel needs from its load address before it can read the memory map.
    let initSize: UInt64
    let initrdLimit: UInt64
    let commandLineLimit: UInt64

    static func isPresent(in image: ImageReader) -> Bool { image.matches("HdrS", at: 0x202) }

    init(_ image: ImageReader) throws(LoadError) {
        guard try image.load(UInt16.self, at: 0x1FE) == 0xAA55 else { throw .badHeader }
        // Protocol 2.12 introduced xloadflags, whose bit 0 announces the 64-bit entry.
        guard try image.load(UInt16.self, at: 0x206) >= 0x20C, try image.load(UInt16.self, at: 0x236) & 1 == 1 else {
            throw .no64BitEntry
        }
        // The byte of the jump at 200h says where the header ends; boot_params has room up to 290h.
        let end = 0x202 + UInt64(try image.load(UInt8.self, at: 0x201))
        guard end >= 0x264, end <= 0x290 else { throw .badHeader }
        size = end - Self.start
        let sectors = UInt64(try image.load(UInt8.self, at: 0x1F1))
        payload = ((sectors == 0 ? 4 : sectors) + 1) * 512
        payloadSize = UInt64(try image.load(UInt32.self, at: 0x1F4)) * 16
        loadAddress = try image.load(UInt64.self, at: 0x258)
        initSize = UInt64(try image.load(UInt32.self, at: 0x260))
        initrdLimit = UInt64(try image.load(UInt32.self, at: 0x22C)) + 1
        commandLineLimit = UInt64(try image.load(UInt32.self, at: 0x238))
        // The entry is 200h behind the start.
        guard payloadSize > 0x200 else { throw .badHeader }
    }
}
