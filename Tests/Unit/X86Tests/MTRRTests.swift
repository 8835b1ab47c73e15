import Testing
import UnitSupport
import X86

/// Memory types against Intel SDM volume 3A, section 12.11: DEF_TYPE bits 7:0 type, 10 fixed on, 11 on; PHYSBASE bits 7:0
/// type; PHYSMASK bit 11 valid; MTRRCAP bits 7:0 count, 8 fixed registers.
@Suite struct MTRRTests {
    private static let on: UInt64 = 1 << 11, fixedOn: UInt64 = 1 << 10, valid: UInt64 = 1 << 11
    private let bits = 39

    private func map(
        default defaultType: UInt64 = on | 6, fixed: [UInt64] = [], _ pairs: [(base: UInt64, mask: UInt64)] = [],
        capability: UInt64 = 1 << 8 | 10, bits: Int = 39, encryption: UInt64? = nil
    ) -> MTRRMap {
        var registers: [UInt32: UInt64] = [0xFE: capability, 0x2FF: defaultType]
        let fixedRegisters: [UInt32] = [0x250, 0x258, 0x259] + Array(0x268...0x26F)
        if capability & 1 << 8 != 0 { for register in fixedRegisters { registers[register] = 0 } }
        for (register, value) in zip(fixedRegisters, fixed) { registers[register] = value }
        for i in 0..<min(UInt32(capability & 0xFF), 24) {
            (registers[0x200 + i * 2], registers[0x201 + i * 2]) = (0, 0)
        }
        for (i, pair) in pairs.enumerated() {
            (registers[0x200 + UInt32(i) * 2], registers[0x201 + UInt32(i) * 2]) = (pair.base, pair.mask)
        }
        registers[0x982] = encryption
        return MTRRMap { leaf, _ in
            switch leaf {
            case 0: CPUIDRegisters(eax: 0x1B)
            case 7: CPUIDRegisters(ecx: encryption == nil ? 0 : 1 << 13)
            default: CPUIDRegisters(eax: 0x3900 | UInt32(bits))
            }
        } read: { register in
            #expect(registers[register] != nil && !(0x220...0x24F).contains(register), "not there: \(register)")
            return registers[register] ?? 0
        }
    }

    /// PHYSBASE and PHYSMASK of a range of `size` (a power of two) bytes.
    private func range(_ base: UInt64, _ size: UInt64, _ type: UInt64, bits: Int = 39) -> (base: UInt64, mask: UInt64) {
        (base | type, (1 << UInt64(bits) - 1) & ~(size - 1) | Self.valid)
    }

    @Test func disabledIsUncacheable() {
        let map = map(default: Self.fixedOn | 6, fixed: [.max], [range(0, gib, 6)])
        for address in [0, 0x9_FFFF, gib - 1, 8 * gib] as [UInt64] { #expect(map.type(of: address) == .uncacheable) }
        let run = map.uniform(from: 0, limit: 64 * gib)
        #expect(run.type == .uncacheable && run.end == 64 * gib)
    }

    @Test(
        arguments: [
            (0, .uncacheable), (1, .writeCombining), (4, .writeThrough), (5, .writeProtected), (6, .writeBack),
            (2, .uncacheable), (3, .uncacheable), (7, .uncacheable), (0xFF, .uncacheable),
        ] as [(UInt64, MemoryType)]) func types(value: UInt64, type: MemoryType)
    {
        #expect(map(default: Self.on | value).type(of: gib) == type)
        #expect(map(default: Self.on, [range(gib, gib, value)]).type(of: gib) == type)
        let bytes = value << 24 | 0x0606_0606_0006_0606
        #expect(map(default: Self.on | Self.fixedOn, fixed: [bytes]).type(of: 0x3_0000) == type)
    }

    /// Table 12-9: the address of each byte of the eleven fixed registers.
    @Test func fixedRegisters() {
        let sizes: [UInt64] = [0x1_0000, 0x4000, 0x4000] + Array(repeating: 0x1000, count: 8)
        let bases: [UInt64] = [
            0, 0x8_0000, 0xA_0000, 0xC_0000, 0xC_8000, 0xD_0000, 0xD_8000, 0xE_0000, 0xE_8000, 0xF_0000, 0xF_8000,
        ]
        for register in 0..<11 {
            for byte in 0..<8 as Range<UInt64> {
                var fixed = [UInt64](repeating: 0, count: 11)
                fixed[register] = 5 << (byte * 8)
                let map = map(default: Self.on | Self.fixedOn | 6, fixed: fixed)
                let first = bases[register] + byte * sizes[register], end = first + sizes[register]
                #expect(map.type(of: first) == .writeProtected)
                #expect(map.type(of: end - 1) == .writeProtected)
                #expect(first == 0 || map.type(of: first - 1) == .uncacheable)
                #expect(map.type(of: end) == (end == 1 << 20 ? .writeBack : .uncacheable))
                let run = map.uniform(from: first, limit: gib)
                #expect(run.type == .writeProtected && run.end == end)
            }
        }
    }

    @Test func fixedRegistersComeFirstWhereTheyAreOn() {
        let low = range(0, 2 * mib, 6)
        #expect(map(default: Self.on | Self.fixedOn, [low]).type(of: 0xFFFF) == .uncacheable)
        #expect(map(default: Self.on | Self.fixedOn, [low]).type(of: mib) == .writeBack)
        #expect(map(default: Self.on, [low]).type(of: 0xFFFF) == .writeBack)
        #expect(map(default: Self.on | Self.fixedOn, [low], capability: 10).type(of: 0xFFFF) == .writeBack)
    }

    /// Section 12.11.4.1, pair by pair, in both orders.
    @Test func overlaps() {
        let types: [(UInt64, MemoryType)] = [
            (0, .uncacheable), (1, .writeCombining), (4, .writeThrough), (5, .writeProtected), (6, .writeBack),
        ]
        for (a, first) in types {
            for (b, second) in types {
                let expected: MemoryType =
                    first == second ? first : Set([a, b]) == [4, 6] ? .writeThrough : .uncacheable
                let map = map(default: Self.on | 6, [range(gib, gib, a), range(gib, 2 * mib, b)])
                #expect(map.type(of: gib) == expected, "\(first) under \(second)")
                #expect(map.type(of: gib + 2 * mib) == first)
            }
        }
        let three = map([range(0, gib, 6), range(0, gib, 4), range(0, gib, 5)])
        #expect(three.type(of: 0) == .uncacheable)
    }

    @Test func runsEndAtEveryBorder() {
        // As firmware lays out 4 GiB: the upper gigabyte and a graphics range uncacheable, one write-combining page.
        let map = map([range(3 * gib, gib, 0), range(2 * gib, 256 * mib, 0), range(gib + 4 * kib, 4 * kib, 1)])
        let expected: [(MemoryType, UInt64)] = [
            (.writeBack, gib + 4 * kib), (.writeCombining, gib + 8 * kib), (.writeBack, 2 * gib),
            (.uncacheable, 2 * gib + 256 * mib), (.writeBack, 3 * gib), (.uncacheable, 4 * gib),
            (.writeBack, 1 << 39), (.uncacheable, 1 << 40),
        ]
        var at: UInt64 = 0
        for (type, end) in expected {
            let run = map.uniform(from: at, limit: 1 << 40)
            #expect(run.type == type && run.end == end, "from \(String(at, radix: 16))")
            at = run.end
        }
        #expect(at == 1 << 40)
        // In the middle, and cut by the limit.
        #expect(map.uniform(from: gib + 5000, limit: 2 * gib).end == gib + 8 * kib)
        #expect(map.uniform(from: 5000, limit: 9000).end == 9000)
        #expect(map.uniform(from: 5000, limit: 5000).end == 5000)
        #expect(map.uniform(from: 5000, limit: 4000).end == 5000)
        #expect(map.uniform(from: .max, limit: .max).type == .uncacheable)
    }

    @Test func neighboursOfOneTypeAreOneRun() {
        let map = map(default: Self.on, [range(0, 2 * gib, 6), range(2 * gib, gib, 6), range(gib, mib, 6)])
        let run = map.uniform(from: 4096, limit: 1 << 39)
        #expect(run.type == .writeBack && run.end == 3 * gib)
    }

    @Test func whatIsNotValidOrNotThereIsNotCounted() {
        var off = range(0, gib, 0)
        off.mask &= ~Self.valid
        #expect(map([off]).type(of: 0) == .writeBack)
        #expect(map([range(0, gib, 0)], capability: 1 << 8).type(of: 0) == .writeBack)
        #expect(map([off, range(0, gib, 0)], capability: 1 << 8 | 1).type(of: 0) == .writeBack)
        let many = Array(repeating: range(0, gib, 0), count: 16)
        #expect(map(many, capability: 0xFF).type(of: 0) == .uncacheable)
        let beyond = Array(repeating: off, count: 16) + [range(0, gib, 0)]
        #expect(map(beyond, capability: 0xFF).type(of: 0) == .writeBack)
    }

    @Test func everythingIsARangeToo() {
        #expect(map(default: Self.on, [(6, Self.valid)]).uniform(from: 0, limit: .max).end == 1 << 39)
        #expect(map([range(0, gib, 0, bits: 52)], bits: 99).type(of: gib - 1) == .uncacheable)
    }

    /// Where upper bits of an address name keys, masks end below them, as firmware writes them, and CPUID goes on counting 52
    /// (Intel 336907, section 4): such a mask has no holes.
    @Test func masksEndBelowTheBitsForKeys() {
        let pairs = [range(2 * gib, 2 * gib, 0, bits: 46), range(gib, mib, 1, bits: 46)]
        let on: UInt64 = 3 | 6 << 32 | 5 << 48
        let map = map(pairs, bits: 52, encryption: on)
        #expect(map.type(of: 2 * gib) == .uncacheable && map.type(of: gib) == .writeCombining)
        let run = map.uniform(from: 4 * gib, limit: .max)
        #expect(run.type == .writeBack && run.end == 1 << 46)
        // Nobody has memory there.
        #expect(map.type(of: 1 << 46) == .uncacheable)
        // Encryption with one key, or that firmware has not switched on, takes no bits: the masks are as wide as addresses.
        for encryption in [3, 3 | 5 << 48, 1 | 6 << 32] as [UInt64] {
            let map = self.map([range(2 * gib, 2 * gib, 0, bits: 52)], bits: 52, encryption: encryption)
            #expect(map.uniform(from: 4 * gib, limit: .max).end == 1 << 52)
            #expect(map.type(of: 1 << 51) == .writeBack)
        }
    }

    /// Of firmware that takes addresses to be narrower than they are: a page of registers with 48-bit masks on 52 bits, and all that is below 4 GiB with
    /// those of 36. Else everything above would be uncacheable.
    @Test func masksOfNarrowerAddressesAreMeantToTheirEnd() {
        let page = (base: 0xFED8_0000 as UInt64, mask: 0xF_FFFF_F000 | Self.valid)
        for bits in [39, 48, 52] {
            let map = map([page, range(2 * gib, gib, 4, bits: 36)], bits: bits)
            #expect(map.type(of: 0xFED8_0000) == .uncacheable && map.type(of: 0xFED8_1000) == .writeBack)
            #expect(map.type(of: 2 * gib) == .writeThrough && map.type(of: 3 * gib) == .writeBack)
            #expect(map.type(of: 4 * gib) == .writeBack && map.type(of: 1 << UInt64(bits - 1)) == .writeBack)
            #expect(map.uniform(from: 4 * gib, limit: 1 << UInt64(bits)).end == 1 << UInt64(bits))
        }
    }

    @Test func aMaskWithHolesIsUncacheableOnItsWhole() {
        // Bits 30 and 28 free, 29 not: pieces of 256 MiB.
        let mask = (1 << 39 - 1) & ~(1 << 30 | (1 << 29 - 1)) | Self.valid
        let map = map([(6 | 4 * gib, mask)])
        #expect(map.type(of: 4 * gib - 1) == .writeBack)
        for address in [4 * gib, 4 * gib + 512 * mib, 5 * gib + 511 * mib] {
            #expect(map.type(of: address) == .uncacheable)
        }
        #expect(map.type(of: 6 * gib) == .writeBack)
    }

    /// Random registers: what `uniform` says of a run holds for samples inside of it and not just behind it, and `type`
    /// agrees with the manual's rule computed anew, with masks as they are.
    @Test func againstTheRuleItself() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            let pairs = (0..<Int.random(in: 0...6, using: &random)).map { _ -> (base: UInt64, mask: UInt64) in
                let size = (1 as UInt64) << UInt64.random(in: 20...33, using: &random)
                let base = UInt64.random(in: 0..<(1 << 35), using: &random) & ~(size - 1)
                return range(base, size, [0, 1, 4, 5, 6].randomElement(using: &random) ?? 0)
            }
            let defaultType = [0, 6].randomElement(using: &random) ?? 0
            let map = map(default: Self.on | UInt64(defaultType), pairs)
            var at: UInt64 = 0
            var runs = 0
            while at < 1 << 36 {
                let run = map.uniform(from: at, limit: 1 << 36)
                #expect(run.end > at)
                #expect(rule(run.end, pairs, UInt64(defaultType)) != run.type.rawValue || run.end == 1 << 36)
                for sample in [at, run.end - 1, UInt64.random(in: at..<run.end, using: &random)] {
                    #expect(rule(sample, pairs, UInt64(defaultType)) == run.type.rawValue)
                    #expect(map.type(of: sample) == run.type)
                }
                at = max(run.end, at + 1)
                runs += 1
            }
            #expect(runs <= 2 * pairs.count + 1)
        }
    }

    private func rule(_ address: UInt64, _ pairs: [(base: UInt64, mask: UInt64)], _ defaultType: UInt64) -> UInt8 {
        let hits = Set(
            pairs.filter { (address ^ $0.base) & $0.mask & ~0xFFF == 0 }.map { UInt8(truncatingIfNeeded: $0.base) })
        if hits.isEmpty { return UInt8(defaultType) }
        if hits.count == 1, let only = hits.first { return only }
        return hits == [4, 6] ? 4 : 0
    }
}
