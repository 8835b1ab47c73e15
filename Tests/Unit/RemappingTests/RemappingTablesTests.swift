import Testing
import UnitSupport

@testable import Remapping

private typealias Intel = VTD<FakeUnit>
private typealias AMD = AMDVi<FakeUnit>

/// The tables of both vendors, read back as the hardware would.
@Suite struct RemappingTablesTests {
    private let runs: [RemappingRun] = [
        (guest: 0, physical: 0x4000_0000, size: 64 << 20),
        (guest: 1 << 32, physical: 0x1_0000_0000, size: 1 << 30),
    ]
    private var demand: RemappingDemand {
        var demand = RemappingDemand()
        (demand.domains, demand.functions, demand.pairs, demand.vcpus) = (1, 2, 4, 2)
        (demand.runs, demand.gibibytes) = (2, 3)
        return demand
    }
    private let apicIDs = InlineArray<16, UInt32> { $0 == 1 ? 0x1_0203 : 5 }
    private let vtd = RemappingFeatures(vtd: 0x0000_000C_0000_0406 | 47 << 16, 0x1B)
    private let narrowVTD = RemappingFeatures(
        vtd: 0x0000_000C_0000_0206 | 38 << 16, 0x1B)
    private let amd = RemappingFeatures(amdVi: 1 << 2 | 1 << 6 | 1 << 7, 0)

    private func frames<H: RemappingHardware>(_ hardware: H.Type, _ features: RemappingFeatures) -> Frames {
        Frames(demand.frames(features))
    }
    private func make<H: RemappingHardware>(
        _ hardware: H.Type, _ features: RemappingFeatures, _ frames: Frames
    ) throws -> RemappingTables {
        try RemappingTables(hardware, features, demand, arena: frames.makeArena())
    }

    /// VT-d's walk (section 9.8) from a context entry on.
    private func vtdWalk(_ tables: borrowing RemappingTables, _ requester: UInt16, _ address: UInt64) -> UInt64? {
        let root = word(at: tables.memory.deviceTable + UInt64(requester >> 8) * 16)
        guard root & 1 == 1 else { return nil }
        let context = root & ~0xFFF + UInt64(requester & 0xFF) * 16
        guard word(at: context) & 1 == 1 else { return nil }
        var level = Int(word(at: context + 8) & 7) + 2
        var table = word(at: context) & ~0xFFF
        guard address >> UInt64(12 + 9 * level) == 0 else { return nil }
        while true {
            let entry = word(at: table + (address >> UInt64(3 + 9 * level) & 511) * 8)
            guard entry & 3 == 3 else { return nil }
            let span = (1 as UInt64) << UInt64(3 + 9 * level)
            if level == 1 || entry & 0x80 != 0 {
                return entry & 0xF_FFFF_FFFF_F000 & ~(span - 1) | address & (span - 1)
            }
            table = entry & 0xF_FFFF_FFFF_F000
            level -= 1
        }
    }

    /// AMD's walk (specification 48882, section 2.2.3) from a device table entry on.
    private func amdWalk(_ tables: borrowing RemappingTables, _ requester: UInt16, _ address: UInt64) -> UInt64? {
        var entry = word(at: tables.memory.deviceTable + UInt64(requester) * 32)
        #expect(entry & 3 == 3, "every entry is valid: an invalid one would let everything pass")
        while entry >> 9 & 7 != 0 {
            let level = entry >> 9 & 7
            guard entry & 1 == 1, entry >> 61 & 3 == 3 else { return nil }
            let span = (1 as UInt64) << (3 + 9 * level)
            entry = word(at: entry & 0xF_FFFF_FFFF_F000 + (address / span & 511) * 8)
            guard entry & 1 == 1, entry >> 61 & 3 == 3 else { return nil }
            if entry >> 9 & 7 == 0 { return entry & 0xF_FFFF_FFFF_F000 | address & (span - 1) }
        }
        return nil
    }

    private let requesters: [UInt16] = [0, 8, 0xA0, 0x0100, 0xFFFF]

    @Test func nothingIsAllowedAtFirstByVTd() throws {
        for features in [vtd, narrowVTD] {
            let frames = frames(Intel.self, features)
            let tables = try make(Intel.self, features, frames)
            for requester in requesters { #expect(vtdWalk(tables, requester, 0) == nil) }
            for i in 0..<UInt64(tables.memory.interruptEntries) {
                #expect(word(at: tables.memory.interruptTable + i * 16) & 1 == 0)
            }
        }
    }

    @Test func nothingIsAllowedAtFirstByAMDVi() throws {
        let frames = frames(AMD.self, amd)
        let tables = try make(AMD.self, amd, frames)
        for requester in requesters {
            #expect(amdWalk(tables, requester, 0) == nil)
            // IV set and control 0 (bits 61:60): interrupts are refused.
            let interrupts = word(at: tables.memory.deviceTable + UInt64(requester) * 32 + 16)
            #expect(interrupts & 1 == 1 && interrupts >> 56 == 0)
        }
    }

    @Test func aFunctionReachesItsPartitionsMemoryAlone() throws {
        for features in [vtd, narrowVTD] {
            try requireOwnMemory(Intel.self, features) { vtdWalk($0, $1, $2) }
        }
        try requireOwnMemory(AMD.self, amd) { amdWalk($0, $1, $2) }
    }

    private func requireOwnMemory<H: RemappingHardware>(
        _ hardware: H.Type, _ features: RemappingFeatures,
        _ walk: (borrowing RemappingTables, UInt16, UInt64) -> UInt64?
    ) throws {
        let frames = frames(hardware, features)
        var tables = try make(hardware, features, frames)
        let domain = try tables.makeDomain(hardware, 3, runs.span, apicIDs, 2)
        _ = try hardware.attach(0x0208, alias: 0x0200, to: domain, in: &tables)
        for requester in [0x0208, 0x0200] as [UInt16] {
            #expect(walk(tables, requester, 0x123) == 0x4000_0123)
            #expect(walk(tables, requester, 64 << 20 - 1) == 0x4000_0000 + 64 << 20 - 1)
            #expect(walk(tables, requester, 64 << 20) == nil)
            #expect(walk(tables, requester, 1 << 32 + 0x12_3456) == 0x1_0012_3456)
            #expect(walk(tables, requester, 5 << 30) == nil)
        }
        for other in [0x0209, 0x0108, 0x0000] as [UInt16] { #expect(walk(tables, other, 0) == nil) }
    }

    @Test func aRequesterIdBelongsToOneDomain() throws {
        try requireOneDomain(Intel.self, vtd)
        try requireOneDomain(AMD.self, amd)
    }

    private func requireOneDomain<H: RemappingHardware>(_ hardware: H.Type, _ features: RemappingFeatures) throws {
        var demand = demand
        (demand.domains, demand.functions, demand.pairs) = (2, 6, 3)
        (demand.vcpus, demand.runs, demand.gibibytes) = (2, 4, 6)
        let frames = Frames(demand.frames(features))
        var tables = try RemappingTables(hardware, features, demand, arena: frames.makeArena())
        let first = try tables.makeDomain(hardware, 0, runs.span, apicIDs, 1)
        let second = try tables.makeDomain(hardware, 1, runs.span, apicIDs, 1)
        _ = try hardware.attach(0x0208, alias: 0x0200, to: first, in: &tables)
        // Another function of the same domain behind the same bridge.
        _ = try hardware.attach(0x0210, alias: 0x0200, to: first, in: &tables)
        var refusals: [RemappingError] = []
        for (requester, alias) in [(0x0208, nil), (0x0200, nil), (0x0218, 0x0200)] as [(UInt16, UInt16?)] {
            do throws(RemappingError) {
                _ = try hardware.attach(requester, alias: alias, to: second, in: &tables)
            } catch {
                refusals.append(error)
            }
        }
        #expect(refusals == [.otherDomain, .otherDomain, .otherDomain])
    }

    /// What one unit lacks, all lack.
    @Test func featuresAreThoseOfAllUnits() {
        func common(_ first: UInt64, _ second: UInt64, _ extended: UInt64 = 0x1B) -> RemappingFeatures {
            RemappingFeatures(vtd: 0x4_0000_0000 | first, 0x1B)
                .intersection(
                    RemappingFeatures(vtd: 0x4_0000_0000 | second, extended))
        }
        #expect(common(0x600, 0x200).shortcoming == nil && common(0x600, 0x400).shortcoming == nil)
        #expect(common(0x400, 0x200).shortcoming != nil, "no number of levels in common")
        for bit in [1, 3] as [UInt64] { #expect(common(0x400, 0x400, 0x1B & ~(1 << bit)).shortcoming != nil) }
        #expect(!common(0x400, 0x400, 0x0B).extendedInterrupts && common(0x400, 0x400).extendedInterrupts)
        #expect(!common(0x400, 0x400, 0x1A).isCoherent && common(0x400, 0x400).isCoherent)
        #expect(RemappingFeatures(vtd: 0x400, 0x1B).shortcoming != nil)
        #expect(amd.shortcoming == nil && amd.maxVCPUs == 2)
        #expect(RemappingFeatures(amdVi: 0, 0).shortcoming != nil)
        #expect(common(0x400, 0x400).canReport(to: 300) && !amd.canReport(to: 300) && amd.canReport(to: 254))
    }

    @Test func vtdInterruptsAreTheFunctionsOwn() throws {
        let frames = frames(Intel.self, vtd)
        var tables = try make(Intel.self, vtd, frames)
        let domain = try tables.makeDomain(Intel.self, 0, runs.span, apicIDs, 2)
        let first = try Intel.attach(0x0208, alias: nil, to: domain, in: &tables),
            second = try Intel.attach(0x0210, alias: 0x0200, to: domain, in: &tables)
        var seen = Set<UInt64>()
        for (block, requester) in [(first, 0x0208), (second, 0x0200)] as [(InterruptBlock, UInt64)] {
            for vcpu in 0..<2 {
                for vector in 16...255 as ClosedRange<UInt8> {
                    let message = try #require(block.message(vcpu: vcpu, vector: vector))
                    // Section 5.1.2.2: remappable, SHV, the index in bits 19:5 and 2.
                    #expect(message.address & 0xFFF0_0018 == 0xFEE0_0018 && message.data == 0)
                    let index = message.address >> 5 & 0x7FFF | (message.address >> 2 & 1) << 15
                    #expect(seen.insert(index).inserted)
                    let at = tables.memory.interruptTable + index * 16
                    #expect(word(at: at) == UInt64(apicIDs[vcpu]) << 32 | UInt64(vector) << 16 | 1)
                    #expect(word(at: at + 8) == 1 << 18 | requester)
                }
            }
            #expect(block.message(vcpu: 2, vector: 32) == nil && block.message(vcpu: 0, vector: 15) == nil)
            #expect(block.message(vcpu: -1, vector: 32) == nil)
        }
        var full: RemappingError?
        do throws(RemappingError) {
            for i in 0..<200 { _ = try Intel.attach(0x0218 + UInt16(i), alias: nil, to: domain, in: &tables) }
        } catch { full = error }
        #expect(full == .outOfMemory)
        // The link: an NMI by the I/O APIC alone.
        let entry = Intel.routeNMI(from: 0xFF00, to: 5, in: tables)
        #expect(entry == RedirectionEntry(low: 0, high: 1 << 16))
        #expect(word(at: tables.memory.interruptTable) == 5 << 32 | 4 << 5 | 1)
        #expect(word(at: tables.memory.interruptTable + 8) == 1 << 18 | 0xFF00)
    }

    @Test func amdInterruptsAreThePartitionsOwn() throws {
        let frames = frames(AMD.self, amd)
        var tables = try make(AMD.self, amd, frames)
        let domain = try tables.makeDomain(AMD.self, 0, runs.span, apicIDs, 2)
        let block = try AMD.attach(0x0208, alias: nil, to: domain, in: &tables)
        let interrupts = word(at: tables.memory.deviceTable + 0x0208 * 32 + 16)
        // Valid, 2^9 entries, remapped; no other interrupt passes (bits 63:62 and 58:56).
        #expect(interrupts & 0x3F == 1 | 9 << 1 && interrupts >> 56 == 0x20)
        for vcpu in 0..<2 {
            for vector in 16...255 as ClosedRange<UInt8> {
                let message = try #require(block.message(vcpu: vcpu, vector: vector))
                #expect(message.address == 0xFEE0_0000 && message.data < 512)
                let at = interrupts & 0xF_FFFF_FFFF_FFC0 + UInt64(message.data) * 16
                let low = word(at: at), high = word(at: at + 8)
                #expect(low & 0xFF == 1 && high & 0xFF == UInt64(vector))
                #expect(low >> 8 | (high >> 56) << 24 == UInt64(apicIDs[vcpu]))
            }
            #expect(word(at: interrupts & 0xF_FFFF_FFFF_FFC0 + UInt64(vcpu) * 4096) == 0, "vector 0 is absent")
        }
        #expect(AMD.routeNMI(from: 0xA0, to: 5, in: tables) == RedirectionEntry(low: 0x400, high: 5 << 24))
        #expect(word(at: tables.memory.deviceTable + 0xA0 * 32 + 16) == 1 | 1 << 58)
        #expect(amdWalk(tables, 0xA0, 0) == nil, "the I/O APIC's id has no DMA")
    }

    /// With 2,048 interrupts a function the address says that the index has 11 bits: else a unit takes 9, and what is for the third vCPU reaches the
    /// first one (specification 48882, section 2.2.5.1, DM).
    @Test func amdIndicesAreAsWideAsTheAddressSays() {
        for vcpus in 1...8 {
            let block = InterruptBlock(base: 0, vcpuCount: vcpus, indexInAddress: false)
            for vcpu in 0..<vcpus {
                guard let message = block.message(vcpu: vcpu, vector: 0x31) else {
                    Issue.record("none for \(vcpu) of \(vcpus)")
                    continue
                }
                #expect(message.address & ~4 == 0xFEE0_0000)
                let width = message.address & 4 != 0 ? 11 : 9
                #expect(message.data & (1 << width - 1) == vcpu * 256 + 0x31, "\(vcpu) of \(vcpus)")
                // A unit with 512 has none of more than two, and knows no other width.
                if vcpus <= 2 { #expect(width == 9) }
            }
        }
    }

    private func refusal<H: RemappingHardware>(
        _ hardware: H.Type, _ features: RemappingFeatures, _ runs: [RemappingRun], vcpus: Int, frames count: Int? = nil
    ) throws -> RemappingError? {
        let frames = frames(hardware, features)
        var tables = try RemappingTables(hardware, features, demand, arena: frames.makeArena(count))
        do throws(RemappingError) {
            _ = try tables.makeDomain(hardware, 0, runs.span, apicIDs, vcpus)
            return nil
        } catch { return error }
    }

    @Test func whatUnitsCannotDoIsRefused() throws {
        #expect(try refusal(AMD.self, amd, runs, vcpus: 3) == .unreachableCore, "512 interrupts are two cores'")
        #expect(try refusal(AMD.self, amd, runs, vcpus: 0) == .unreachableCore)
        let narrow = RemappingFeatures(amdVi: 1 << 6, 1 << 8)
        #expect(try refusal(AMD.self, narrow, runs, vcpus: 2) == .unreachableCore, "APIC id 10203h does not fit")
        #expect(try refusal(AMD.self, narrow, runs, vcpus: 1) == nil)
        let far: [RemappingRun] = [(guest: 1 << 39, physical: 0, size: 1 << 21)]
        #expect(try refusal(Intel.self, narrowVTD, far, vcpus: 1) == .tooWide)
        // One for the root table, eight for 2,048 interrupt entries, one of the three that the page table takes.
        let few = 10
        #expect(try refusal(Intel.self, vtd, runs, vcpus: 1, frames: few) == .outOfMemory)
    }
}
