import Foundation
import Watch

/// The table of sites that the hypervisor reads (`SiteTable`), taken from a kernel's image.
public struct KernelSites {
    public let textSize, constantsOffset, constantsSize, entry: UInt64
    public private(set) var sites: [PatchSite] = []

    public init(_ image: KernelImage) throws {
        let text = try image.symbol("_text"), end = try image.symbol("_etext")
        let constants = try image.symbol("__start_rodata")
        guard text & 0x1F_FFFF == 0, end > text, constants >= end else { throw KernelImageError("its parts lie oddly") }
        textSize = (end - text + 0xFFF) & ~0xFFF
        constantsOffset = constants - text
        constantsSize = (try image.symbol("__end_rodata") - constants + 0xFFF) & ~0xFFF
        entry = try image.symbol("entry_SYSCALL_64") &- text
        guard max(textSize, constantsSize) <= SiteTable.maxPart, entry < textSize else {
            throw KernelImageError("its parts are larger than the watch locks")
        }
        // What lies behind the text is of the start alone, and gone.
        let inText = { (address: UInt64) in address >= text && address < end }
        try Self.forEach(image, "__start___jump_table", "__stop___jump_table", size: 16) { at in
            guard let code = image.target(at), let target = image.target(at + 4), inText(code), inText(target),
                let first = image.content(code, 2)
            else { return }
            let isShort = first == 0x9066 || first & 0xFF == 0xEB
            sites.append(PatchSite(isShort ? .shortJump : .jump, at: code - text, target: target - text))
        }
        try Self.forEach(image, "__start_static_call_sites", "__stop_static_call_sites", size: 8) { at in
            guard let code = image.target(at), inText(code) else { return }
            sites.append(PatchSite(.call, at: code - text))
        }
        sites += image.trampolines.filter(inText).map { PatchSite(.call, at: $0 - text) }
        sites.sort { $0.offset < $1.offset }
    }

    private static func forEach(
        _ image: KernelImage, _ start: String, _ stop: String, size: UInt64, _ body: (UInt64) -> Void
    ) throws {
        let first = try image.symbol(start), last = try image.symbol(stop)
        guard last >= first, last - first < 16 << 20 else { throw KernelImageError("\(start) lies oddly") }
        for at in stride(from: first, to: last, by: Int(size)) { body(at) }
    }

    /// As it lies on the boot volume.
    public var encoded: Data {
        let words = [
            SiteTable.magic, textSize | constantsOffset << 32, constantsSize | entry << 32, UInt64(sites.count),
        ]
        var data = Data()
        for word in words + sites.map(\.rawValue) {
            for i in UInt64(0)..<8 { data.append(UInt8(truncatingIfNeeded: word >> (i * 8))) }
        }
        return data
    }

    /// Makes the table of the image at `kernel`, unless `target` has been made from it already.
    public static func write(_ kernel: URL, to target: URL) throws {
        let source = kernel.resolvingSymlinksInPath()
        func changed(_ file: URL) -> Date? {
            (try? FileManager.default.attributesOfItem(atPath: file.path))?[.modificationDate] as? Date
        }
        if let made = changed(target), let from = changed(source), made > from { return }
        let sites = try KernelSites(KernelImage(Data(contentsOf: source, options: .mappedIfSafe)))
        try FileManager.default.createDirectory(
            at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
        try sites.encoded.write(to: target)
    }
}
