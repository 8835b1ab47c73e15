import X86

/// Page frames on the heap, physical addresses being this process's own. Filled with a pattern, so that a frame that
/// nobody cleared shows.
public final class Frames {
    public static let size = Int(FrameArena.frameSize)
    private let memory: UnsafeMutableRawPointer
    public let count: Int

    public init(_ count: Int) {
        self.count = count
        unsafe memory = .allocate(byteCount: count * Self.size, alignment: Self.size)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0xA5, count: count * Self.size)
    }

    deinit { unsafe memory.deallocate() }

    public var base: UInt64 { UInt64(UInt(bitPattern: memory)) }

    /// An arena of the first `frames` of them, or of all.
    public func makeArena(_ frames: Int? = nil) -> FrameArena {
        unsafe FrameArena(base: base, size: UInt64((frames ?? count) * Self.size))
    }

    /// All words, for comparison.
    public var words: [UInt64] {
        unsafe Array(
            UnsafeBufferPointer(
                start: memory.assumingMemoryBound(to: UInt64.self), count: count * Self.size / 8))
    }
}

/// The word at a physical address inside `Frames`.
public func word(at physical: UInt64) -> UInt64 {
    unsafe UnsafeRawPointer(bitPattern: UInt(physical)).unsafelyUnwrapped.load(as: UInt64.self)
}

/// Where the processor's own walk of a four-level table ends, worked out from the bits of AMD64 APM volume 2, section
/// 5.3, and not by the code under test: bit 0 present, bit 7 of levels 3 and 2 a large page, bits 51:12 the address. The
/// same bits of EPT entries mean the same, bit 0 being the right to read, which every mapping has.
public struct Walk {
    public let entry: UInt64
    public let level: Int
    public let physical: UInt64

    public init?(_ root: UInt64, _ virtual: UInt64) {
        var table = root
        for (level, shift) in [(4, 39), (3, 30), (2, 21), (1, 12)] as [(Int, UInt64)] {
            let entry = word(at: table + (virtual >> shift & 0x1FF) * 8)
            guard entry & 1 == 1 else { return nil }
            let address = entry & 0x000F_FFFF_FFFF_F000
            if level == 1 || (level < 4 && entry & 0x80 != 0) {
                let offset = (1 as UInt64) << shift - 1
                self.entry = entry
                self.level = level
                physical = address & ~offset | virtual & offset
                return
            }
            table = address
        }
        return nil
    }

    /// Bit 1 in all formats.
    public var isWritable: Bool { entry >> 1 & 1 == 1 }
    public func isExecutable(_ format: any PageTableFormat.Type) -> Bool {
        // SDM volume 3C, section 29.3.2: bit 2 allows. APM volume 2, section 5.6.3: bit 63 denies.
        format is EPTFormat.Type ? entry >> 2 & 1 == 1 : entry >> 63 == 0
    }
}

public let kib: UInt64 = 1 << 10
public let mib: UInt64 = 1 << 20
public let gib: UInt64 = 1 << 30

/// The formats for which what holds of page tables is tested.
public var formats: [any PageTableFormat.Type] { [LongModeFormat.self, NestedFormat.self, EPTFormat.self] }
