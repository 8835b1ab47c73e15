import Records
import Silicon
import X86

/// Where crash records lie: a page for what happens at boot, then one for each core, which alone maps it. It is a fixed place
/// that neither firmware nor guests use, so that the next boot finds it after a warm reset.
struct CrashRegion: Stored {
    /// 0 where the firmware had no place.
    var base: UInt64 = 0
    // What records say of the boot.
    var entryTSC: UInt64 = 0
    var tscKHz: UInt64 = 0
    var bootTime: UInt64 = 0
    /// The manifest's checksum and, above it, the symbols' fingerprint.
    var origin: UInt64 = 0

    static let pageSize: UInt64 = 4096
    static let size = pageSize * UInt64(FirmwareTables.maxProcessors + 1)

    /// The second MiB: page tables for what lies next to it every core has anyway.
    private static let candidates = stride(from: 0x10_0000 as UInt64, through: 0x1B_0000, by: 0x1_0000)

    init() {}

    /// Bytes that it takes.
    var size: UInt64 { base == 0 ? 0 : Self.size }

    /// Takes the place of an earlier boot, or else the first that the firmware gives away.
    init(_ firmware: borrowing Firmware, after earlier: CrashRegion?) {
        if let earlier { take(earlier.base, firmware) }
        for candidate in Self.candidates where base == 0 { take(candidate, firmware) }
    }

    private mutating func take(_ candidate: UInt64, _ firmware: borrowing Firmware) {
        if (try? firmware.allocate(Self.size, .at(candidate))) != nil { base = candidate }
    }

    /// The region as an earlier boot has signed it, or whoever wrote this memory before: its place is where it was found,
    /// whatever it says.
    static func find() -> CrashRegion? {
        for candidate in candidates
        where load(candidate) == signature && load(candidate + 8) == ~signature ^ candidate {
            var region: CrashRegion = load(candidate + 16)
            region.base = candidate
            return region
        }
        return nil
    }

    /// Makes the region one that `find` finds, with what it says of the boot.
    func sign() {
        guard base != 0 else { return }
        store(Self.signature, base)
        store(~Self.signature ^ base, base + 8)
        store(self, base + 16)
        unsafe Self.ofThisBoot = base
    }

    /// Where `sign` has put this boot's, for faults before cores have one of their own; 0 before.
    nonisolated(unsafe) private static var ofThisBoot: UInt64 = 0
    /// The region that this boot has signed; nil before.
    static var own: CrashRegion? { unsafe ofThisBoot == 0 ? nil : load(ofThisBoot + 16) }

    /// What else records say of this boot, known before the firmware is left.
    mutating func describe(_ plan: borrowing PlannedMachine, _ symbols: SymbolTable?) {
        tscKHz = plan.machine.tscKHz
        origin = UInt64(plan.manifestChecksum) | UInt64(symbols?.fingerprint ?? 0) << 32
        sign()
    }

    /// Clears every record, and the signature.
    func clear() { unsafe cpu_zero(UnsafeMutableRawPointer(bitPattern: UInt(base)), Self.size) }

    /// "BHCRASH1" in memory.
    private static let signature: UInt64 = 0x3148_5341_5243_4842

    /// The page of a core, of the boot code for nil.
    func page(of core: Int?) -> UInt64 { base + (core.map { UInt64($0) + 1 } ?? 0) * Self.pageSize }

    /// Maps a core's page into its tables.
    func map(
        page core: Int, into table: inout PageTable<LongModeFormat>, arena: inout FrameArena
    ) throws(PageTableError) {
        guard base != 0 else { return }
        try table.map(page(of: core), to: page(of: core), size: Self.pageSize, .readWrite, arena: &arena)
    }

    /// Begins a record on a page: the oldest goes that it may replace.
    func begin(_ kind: CrashKind, vector: UInt64 = 0, core: Int?, vcpu: Int?) -> Pointer<CrashRecord>? {
        guard base != 0 else { return nil }
        let page = page(of: core)
        // The boot code's first slot is the signature.
        var slot = Pointer<CrashRecord>(at: page + UInt64(CrashRecord.size))
        var oldest = UInt64.max, newest: UInt64 = 0
        for i in (core == nil ? 1 : 0)..<8 as Range<UInt64> {
            let record = Pointer<CrashRecord>(at: page + i * UInt64(CrashRecord.size))
            let isOne = CrashRecord.mayBegin(with: record.value.words[0])
            let sequence = isOne ? record.value[.sequence] : 0
            newest = max(newest, sequence)
            guard sequence < oldest, kind.mayReplace(isOne ? record.value.kind : nil, at: i) else { continue }
            (slot, oldest) = (record, sequence)
        }
        slot.value.clear()
        slot.value[.sequence] = newest &+ 1
        slot.value.setPlace(kind, vector: vector, core: core, vcpu: vcpu)
        let now = cpu_rdtsc()
        slot.value[.tsc] = now
        slot.value[.bootTime] = bootTime
        if tscKHz != 0, now > entryTSC {
            slot.value[.uptime] = (now - entryTSC) / tscKHz * 1000 + (now - entryTSC) % tscKHz * 1000 / tscKHz
        }
        slot.value[.origin] = origin
        return slot
    }
}
