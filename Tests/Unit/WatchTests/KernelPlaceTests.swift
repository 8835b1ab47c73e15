import Testing
import Watch
import X86

/// Guest page tables, and where a kernel is found by them.
struct KernelPlaceTests {
    /// Tables of a guest, as its memory.
    struct Guest {
        var words: [UInt64: UInt64] = [:]
        private var next: UInt64 = 0x2000
        static let cr3: UInt64 = 0x1000

        mutating func map(_ virtual: UInt64, _ physical: UInt64, level: Int, _ rights: UInt64) {
            var table = Self.cr3, at = 4
            while at > level {
                let slot = table + (virtual >> UInt64(12 + 9 * (at - 1)) & 511) * 8
                let entry = words[slot] ?? next | 3
                if words[slot] == nil { next += 0x1000 }
                words[slot] = entry
                table = entry & ~0xFFF
                at -= 1
            }
            words[table + (virtual >> UInt64(12 + 9 * (at - 1)) & 511) * 8] =
                physical | rights | 1 | (level > 1 ? 1 << 7 : 0)
        }

        func read(_ address: UInt64) -> UInt64? { address < 1 << 30 ? words[address] ?? 0 : nil }
    }

    static let noExecute: UInt64 = 1 << 63
    static let base: UInt64 = 0xFFFF_FFFF_9A00_0000, physical: UInt64 = 0x1200_0000

    /// 2 MiB and 8 KiB of text, a gap, 4 KiB of constants, an interrupt table elsewhere.
    static func guest(text: UInt64 = 0, constants: UInt64 = noExecute) -> Guest {
        var guest = Guest()
        guest.map(base, physical, level: 2, text)
        guest.map(base + 0x20_0000, physical + 0x20_0000, level: 1, text)
        guest.map(base + 0x20_1000, physical + 0x20_1000, level: 1, text)
        guest.map(base + 0x40_0000, physical + 0x40_0000, level: 2, constants)
        guest.map(0xFFFF_FE00_0000_0000, physical + 0x80_3000, level: 1, noExecute)
        return guest
    }

    static func find(
        _ guest: Guest, entry: UInt64 = base + 0x80, cr3: UInt64 = Guest.cr3, lowMemory: UInt64 = 1 << 30
    ) throws(WatchPhase) -> KernelPlace {
        let bytes = SiteTableTests.encoded(text: 0x20_2000, constants: 0x40_0000)
        var registers = GuardedRegisters()
        registers.words[GuardedRegisters.entry] = entry
        registers.words[GuardedRegisters.interruptTable] = 0xFFFF_FE00_0000_0000
        registers.words[GuardedRegisters.cr3] = cr3
        let result: Result<KernelPlace, WatchPhase> = unsafe bytes.withUnsafeBytes { bytes in
            guard let table = unsafe SiteTable(bytes) else { return .failure(.noTable) }
            do throws(WatchPhase) {
                return .success(
                    try KernelPlace(
                        table, registers, lowMemory: lowMemory, read: guest.read))
            } catch { return .failure(error) }
        }
        return try result.get()
    }

    private func obstacle(_ body: () throws(WatchPhase) -> KernelPlace) -> WatchPhase? {
        do throws(WatchPhase) {
            _ = try body()
            return nil
        } catch { return error }
    }

    @Test func findsAKernel() throws {
        let place = try Self.find(Self.guest())
        #expect(
            place.parts[0] == Self.physical..<Self.physical + 0x20_2000
                && place.parts[2] == Self.physical + 0x80_3000..<Self.physical + 0x80_4000)
        #expect(place.rule(of: Self.physical) == .text && place.rule(of: Self.physical + 0x20_1FFF) == .text)
        #expect(place.rule(of: Self.physical + 0x20_2000) == nil, "the gap behind the text is anybody's")
        #expect(place.rule(of: Self.physical + 0x40_0FFF) == .constants)
        #expect(place.rule(of: Self.physical + 0x80_3FF8) == .interruptTable)
        #expect(place.rule(of: Self.physical - 1) == nil && place.rule(of: 0) == nil)
        #expect(KernelPlace().rule(of: 0) == nil)
    }

    /// A program's tables, with page-table isolation, lie 4 KiB above the kernel's.
    @Test func findsItBehindPageTableIsolation() throws {
        var guest = Self.guest()
        for (address, word) in guest.words where address >> 12 == 1 { guest.words[address - 0x1000] = word }
        for index in 0..<512 { guest.words[0x1000 + UInt64(index) * 8] = nil }
        #expect(try Self.find(guest, cr3: 0x1801).parts[0].lowerBound == Self.physical)
    }

    @Test func saysWhyNot() {
        #expect(obstacle { () throws(WatchPhase) in try Self.find(Self.guest(text: 2)) } == .notReadOnly)
        #expect(obstacle { () throws(WatchPhase) in try Self.find(Self.guest(constants: 2)) } == .notReadOnly)
        #expect(obstacle { () throws(WatchPhase) in try Self.find(Self.guest(text: Self.noExecute)) } == .otherKernel)
        #expect(
            obstacle { () throws(WatchPhase) in try Self.find(Self.guest(), entry: Self.base + 0x90) } == .otherKernel
        )
        #expect(obstacle { () throws(WatchPhase) in try Self.find(Self.guest(), entry: 0) } == .otherKernel)
        #expect(
            obstacle { () throws(WatchPhase) in try Self.find(Self.guest(), lowMemory: Self.physical + 0x40_0FFF) }
                == .outsideMemory)
        #expect(obstacle { () throws(WatchPhase) in try Self.find(Self.guest(), cr3: 1 << 40) } == .otherKernel)
        var scattered = Self.guest()
        scattered.map(Self.base + 0x20_1000, Self.physical + 0x20_5000, level: 1, 0)
        #expect(obstacle { () throws(WatchPhase) in try Self.find(scattered) } == .otherKernel)
    }

    /// A guest that has tables of small pages alone, or ones that lead round in a circle, holds its core for a bounded time.
    @Test func lookingForItIsBounded() {
        for isCircle in [false, true] {
            var guest = Self.guest(), reads = 0
            if isCircle {
                guest.words = [:]
                for index in 0..<512 { guest.words[Guest.cr3 + UInt64(index) * 8] = Guest.cr3 | 1 }
            } else {
                for at in stride(from: UInt64(0), to: 16 << 20, by: 0x1000) {
                    guest.map(Self.base + 0x1000_0000 + at, Self.physical + at, level: 1, 0)
                }
            }
            let bytes = SiteTableTests.encoded(text: 16 << 20, constants: 16 << 20)
            var registers = GuardedRegisters()
            registers.words[GuardedRegisters.entry] = Self.base + 0x1000_0080
            registers.words[GuardedRegisters.interruptTable] = 0xFFFF_FE00_0000_0000
            registers.words[GuardedRegisters.cr3] = Guest.cr3
            let error: WatchPhase? = unsafe bytes.withUnsafeBytes { bytes in
                guard let table = unsafe SiteTable(bytes) else { return nil }
                do throws(WatchPhase) {
                    _ = try KernelPlace(table, registers, lowMemory: 1 << 30) {
                        reads += 1
                        return guest.read($0)
                    }
                    return nil
                } catch { return error }
            }
            #expect(error == .otherKernel && reads <= (2048 + 4) * 4, "\(reads)")
        }
    }

    @Test func rightsAreThoseOfAllLevels() throws {
        var guest = Self.guest(text: 2)
        // The directory pointer forbids what the leaf allows.
        let top = Guest.cr3 + (Self.base >> 39 & 511) * 8
        guest.words[top] = (guest.words[top] ?? 0) & ~2 | Self.noExecute
        let page = try #require(PageTable<LongModeFormat>.walk(Guest.cr3, Self.base + 0x1234, read: guest.read))
        #expect(!page.isWritable && !page.isExecutable)
        #expect(page.physical == Self.physical + 0x1234 && page.size == 0x20_0000 - 0x1234)
    }
}
