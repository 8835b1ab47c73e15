import Foundation
import Watch

/// The table of sites that the hypervisor reads (`SiteTable`), taken from a kernel's image.
public struct KernelSites {
    public let textSize, constantsOffset, constantsSize, entry: UInt64
    public private(set) var sites: [PatchSite] = []
    /// No kernel's text, nor its constants, are larger: 32 MiB.
    private static let maxPart: UInt64 = 32 << 20

    public init(_ image: KernelImage) throws {
        let text = try image.symbol("_text"), end = try image.symbol("_etext")
        let constants = try image.symbol("__start_rodata")
        guard text & 0x1F_FFFF == 0, end > text, constants >= end else { throw KernelImageError("its parts lie oddly") }
        textSize = (end - text + 0xFFF) & ~0xFFF
        constantsOffset = constants - text
        constantsSize = (try image.symbol("__end_rodata") - constants + 0xFFF) & ~0xFFF
        entry = try image.symbol("entry_SYSCALL_64") &- text
        guard max(textSize, constantsSize) <= Self.maxPart, entry < textSize else {
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

    /// The file with the table of the image at `kernel`, which is made once for each state of the image.
    public static func file(for kernel: URL, in cache: URL) throws -> URL {
        let source = kernel.resolvingSymlinksInPath()
        let facts = try FileManager.default.attributesOfItem(atPath: source.path)
        let changed = (facts[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
        let state = "\(facts[.size] ?? 0)-\(Int64(changed * 1e6))-\(String(SiteTable.magic, radix: 36))"
        let target = cache.appending(path: "\(source.path.replacing("/", with: "+").suffix(150))-\(state).sites")
        if FileManager.default.fileExists(atPath: target.path) { return target }
        let sites = try KernelSites(KernelImage(Data(contentsOf: source, options: .mappedIfSafe)))
        try FileManager.default.createDirectory(at: cache, withIntermediateDirectories: true)
        try sites.encoded.write(to: target, options: .atomic)
        return target
    }
}

extension PatchSite {
    public enum Kind: UInt64, Sendable {
        /// A jump label of two bytes: a NOP, or the jump to `target`.
        case shortJump = 0
        /// One of five bytes.
        case jump = 1
        /// A static call, or its trampoline.
        case call = 2
    }

    /// - Parameter offset, target: from the first byte of text.
    public init(_ kind: Kind, at offset: UInt64, target: UInt64 = 0) {
        let distance =
            switch kind {
            case .shortJump: (target &- offset &- 2) & 0xFF
            case .jump: (target &- offset &- 5) & 0xFFFF_FFFF
            case .call: UInt64(0)
            }
        self.init(rawValue: offset & 0xFFF_FFFF | kind.rawValue << 28 | distance << 32)
    }
}
