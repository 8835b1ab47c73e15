import Platform

/// The header by which an image says that it follows the Multiboot Specification, version 0.6.96 (section 3.1).
struct MultibootHeader: Equatable, Sendable {
    static let searchLimit: UInt64 = 8192

    /// Where in the image the header was found.
    let offset: UInt64
    let flags: UInt32

    /// Bit 16: the header itself says where to load the image.
    var hasAddresses: Bool { flags & 1 << 16 != 0 }

    static func find(in image: ImageReader) throws(LoadError) -> MultibootHeader? {
        var at: UInt64 = 0
        let end = min(image.count, searchLimit)
        while at + 12 <= end {
            if try image.load(UInt32.self, at: at) == 0x1BAD_B002 {
                let flags = try image.load(UInt32.self, at: at + 4)
                let checksum = try image.load(UInt32.self, at: at + 8)
                if 0x1BAD_B002 &+ flags &+ checksum == 0 { return MultibootHeader(offset: at, flags: flags) }
            }
            at += 4
        }
        return nil
    }

    /// Of the requirements, bits 0 to 15, only page-aligned modules and memory information are met.
    func checkRequirements() throws(LoadError) {
        guard flags & 0xFFFC == 0 else { throw .unsupportedRequirement }
    }
}
