import Manifest
import Platform
import Records
import Silicon
import Text
import Watch
import X86

/// What all cores share and none writes once guests run: the program, its interrupt table, the permission maps and the
/// page on which processors start.
struct ProgramMemory {
    /// Whose processors these are: decides how every core runs its guest.
    let vendor: Vendor
    /// The housekeeping core's APIC id.
    var housekeeper: UInt32 = 0
    private let base: UInt64
    /// Below 1 MiB, page aligned.
    let startUpPage: UInt64
    /// Where it is written down who owns which memory, for who looks from outside; no core maps it.
    let ownershipPages: UInt64
    /// The functions' names, where the boot volume has them.
    private var symbolFile = LoadedFile()
    var crash: CrashRegion
    /// The boot core's, by which the other cores' clocks of its package are made the same: nil where the processor cannot.
    let clock: ClockAdjustment?

    init(_ firmware: borrowing Firmware, _ vendor: Vendor, _ crash: CrashRegion) throws(Refusal) {
        self.vendor = vendor
        self.crash = crash
        clock = ClockAdjustment(vendor, native: nativeCPUID, read: cpu_rdmsr)
        let purpose: StaticString = "memory for the program's tables"
        base = try firmware.allocate(Self.tableBytes, .below(0xFFFF_FFFF), for: purpose)
        startUpPage = try firmware.allocate(4096, .below(0x9_FFFF), for: purpose)
        ownershipPages = try firmware.allocate(OwnershipWriter.bytes, .below(0xFFFF_FFFF), for: purpose)
    }

    /// Interrupt table, MSR map without the x2APIC, port map, MSR map, the same for guests that are watched: 4, 4, 12, 8 and 8 KiB.
    /// The second half of an MSR map is all ones, as is the port map.
    static let tableBytes: UInt64 = 0x9000
    var interrupts: InterruptTable { InterruptTable(base: base) }
    var maps: PermissionMaps {
        PermissionMaps(
            ports: base + 0x2000, msrs: base + 0x5000, msrsWithoutAPIC: base + 0x1000, msrsGuarded: base + 0x7000)
    }
    /// Bytes of memory in all, the program included.
    var size: UInt64 {
        image_data_end() - image_address() + Self.tableBytes + 4096 + OwnershipWriter.bytes + symbolPages + crash.size
    }
    private var symbolPages: UInt64 { (symbolFile.size + 4095) & ~4095 }

    /// Reads `\BULKHEAD\symbols.bin`; without it faults name offsets alone.
    mutating func readSymbols(_ firmware: borrowing Firmware) {
        let path: ImagePath = "symbols.bin"
        symbolFile = (try? BootVolume(firmware).read(path, limit: 4 << 20, firmware)) ?? LoadedFile()
    }

    var symbols: SymbolTable? {
        symbolFile.size == 0 ? nil : unsafe SymbolTable(bytes(symbolFile.address, symbolFile.size))
    }

    /// Segments and interrupts of the boot core, until it gets its own.
    func takeProcessor() {
        bootDescriptors.fill(doubleFaultStack: startUpPage + 0x1000)
        bootDescriptors.activate()
        interrupts.takeAll()
    }

    /// In the page on which processors start, behind the code for that.
    private var bootDescriptors: Descriptors { Descriptors(base: startUpPage + 0x800) }

    /// Denies every port, and every MSR but those that the policy passes through.
    func fillMaps<CPU: VirtualizationExtension>(_: CPU.Type) {
        for at in stride(from: base + 0x1000, to: base + Self.tableBytes, by: 8) { store(UInt64.max, at) }
        for i in 0..<MSRPolicy.entries.count where MSRPolicy.entries[i].exists(on: CPU.vendor) {
            let entry = MSRPolicy.entries[i]
            for msr in entry.first...entry.last {
                if entry.rule.reads { allow(msr, CPU.permissionBit(msr, write: false)) }
                guard entry.rule.writes else { continue }
                allow(msr, CPU.permissionBit(msr, write: true), isGuarded: GuardedRegisters.covers(msr))
            }
        }
    }

    private func allow(_ msr: UInt32, _ bit: Int?, isGuarded: Bool = false) {
        guard let bit else { return }
        if !isGuarded { clear(bit, in: maps.msrsGuarded) }
        clear(bit, in: maps.msrs)
        // Behind its first page lies the map of ports: what SVM has there (C001xxxxh) stays refused.
        if msr >> 8 != 8, bit < 0x1000 * 8 { clear(bit, in: maps.msrsWithoutAPIC) }
    }
    private func clear(_ bit: Int, in map: UInt64) {
        let at = map + UInt64(bit / 8)
        store(load(at, as: UInt8.self) & ~(1 << UInt8(bit % 8)), at)
    }

    /// The instructions that stay while guests run: this vendor's, and what both need. Multiples of pages.
    private var keptText: [2 of Range<UInt64>] { [vendor == .amd ? svmText : vmxText, commonText] }
    /// Those that do not: the header and boot code, and the other vendor's.
    private var erasedText: [2 of Range<UInt64>] {
        [image_address()..<image_svm_text(), vendor == .amd ? vmxText : svmText]
    }
    private var svmText: Range<UInt64> { image_svm_text()..<image_vmx_text() }
    private var vmxText: Range<UInt64> { image_vmx_text()..<image_common_text() }
    private var commonText: Range<UInt64> { image_common_text()..<image_text_end() }

    /// Zeroes the instructions that no core maps.
    func erase() {
        for i in 0..<2 {
            let part = erasedText[i]
            unsafe cpu_zero(UnsafeMutableRawPointer(bitPattern: UInt(part.lowerBound)), UInt64(part.count))
        }
    }

    func isErased(_ address: UInt64) -> Bool {
        for i in 0..<2 where erasedText[i].contains(address) { return true }
        return false
    }

    /// All of it, and how cores map each part; nil where they do not.
    private var parts: [9 of (kind: OwnershipKind, base: UInt64, size: UInt64, access: Access?)] {
        let text = image_text_end(), kept = keptText, erased = erasedText
        return [
            (.text, kept[0].lowerBound, UInt64(kept[0].count), .readExecute),
            (.text, kept[1].lowerBound, UInt64(kept[1].count), .readExecute),
            (.erased, erased[0].lowerBound, UInt64(erased[0].count), nil),
            (.erased, erased[1].lowerBound, UInt64(erased[1].count), nil),
            (.constants, text, image_data_end() - text, .read), (.constants, base, Self.tableBytes, .read),
            (.constants, symbolFile.address, symbolPages, .read), (.startUp, startUpPage, 4096, .readExecute),
            (.ownership, ownershipPages, OwnershipWriter.bytes, nil),
        ]
    }

    func map(
        into table: inout PageTable<LongModeFormat>, arena: inout FrameArena
    ) throws(PageTableError) {
        for i in 0..<9 {
            let part = parts[i]
            guard let access = part.access else { continue }
            try table.map(part.base, to: part.base, size: part.size, access, arena: &arena)
        }
    }

    func list(in ownership: inout OwnershipWriter) {
        for i in 0..<9 { ownership.add(parts[i].kind, parts[i].base, parts[i].size) }
    }
}
