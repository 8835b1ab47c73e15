/// Entries of the tables that AMD's units read (specification 48882, sections 2.2.2 and 2.2.5).
enum AMDViEntry {
    /// Words 0 to 2 of an entry that denies DMA: valid, four levels under an empty `root`, neither read nor write.
    static func denied(root: UInt64) -> UInt64 { root | 4 << 9 | 0b11 }
    /// All interrupts are refused: entries valid (IV), control 0.
    static let interruptsDenied: UInt64 = 1
    /// The same but for NMIs, which pass as they are (bit 186).
    static let nmiPasses: UInt64 = 1 | 1 << 58

    /// Reads and writes by the four-level tables at `root`.
    static func allowed(root: UInt64) -> UInt64 { denied(root: root) | 1 << 61 | 1 << 62 }
    /// Fixed interrupts by the table at `table` of `count` entries, a power of two; all others are refused.
    static func interrupts(table: UInt64, count: Int) -> UInt64 {
        table | 2 << 60 | UInt64(count.trailingZeroBitCount) << 1 | 1
    }

    /// A 32-bit entry: fixed, edge, physical. Destinations are below 255.
    static func narrowInterrupt(vector: UInt8, to apicID: UInt32) -> UInt32 {
        UInt32(vector) << 16 | (apicID & 0xFF) << 8 | 1
    }
    /// A 128-bit entry, lower and upper word.
    static func wideInterrupt(vector: UInt8, to apicID: UInt32) -> (UInt64, UInt64) {
        (UInt64(apicID & 0xFF_FFFF) << 8 | 1, UInt64(apicID >> 24) << 56 | UInt64(vector))
    }
}

/// Commands (section 2.4), lower words.
enum AMDViCommand {
    /// Then the upper word is stored at `address`, a multiple of 8.
    static func completionWait(storeAt address: UInt64) -> UInt64 { 1 << 60 | address | 1 }
    static let invalidateAll: UInt64 = 8 << 60
}
