import Remapping
import Resources
import Testing
import UnitSupport
import X86

@testable import Manifest

private struct NoKey: Error {}

/// Register level, and a model of encrypted memory: no ciphertext of a processor's was seen.
@Suite struct MemoryKeyTests {
    static let active: UInt64 = 3 | 6 << 32 | 5 << 48, capable: UInt64 = 5 | 6 << 32 | 63 << 36

    private func keys(
        _ processor: RecordedProcessor = .sapphireRapids, packages: Int = 1, active: UInt64 = active,
        capable: UInt64 = capable, system: UInt64 = 0
    ) -> MemoryKeys {
        MemoryKeys(processor.vendor, packages: packages, native: processor.native) { msr in
            switch msr {
            case 0x982: return active
            case 0x981: return capable
            case 0xC001_0010: return system
            default:
                Issue.record("#GP: \(String(msr, radix: 16))")
                return 0
            }
        }
    }

    @Test func whatFirmwareHasLockedIsUsed() throws {
        var found = keys()
        // MAXPHYADDR 52 (34h) with 6 bits for keys: frames have 46.
        #expect(found.obstacle == nil && found.shift == 46 && found.highest == 63)
        #expect(found.algorithm == 4 && found.register == 0x982 && found.setting == Self.active)
        guard let key = found.take(.own(5)) else { throw NoKey() }
        #expect(key.bits.encode(0x1_2345_6000) == 5 << 46 | 0x1_2345_6000)
        // Key 5, command random, XTS-256 as the bit that MSR 982h has at 50.
        #expect(key.program == 0x0401_0005)
        let again = found.take(.own(5)) != nil, none = found.take(.own(0)) != nil, beyond = found.take(.own(64)) != nil
        #expect(!again && !none && !beyond)
        let small = keys(active: 3 | 4 << 32 | 1 << 48, capable: 5 | 6 << 32 | 63 << 36)
        #expect(small.highest == 15 && small.shift == 48 && small.algorithm == 1)
        #expect(keys(capable: 5 | 6 << 32 | 3 << 36).highest == 3)
        let ice = keys(.encryptingIceLake, active: 3 | 6 << 32 | 1 << 48, capable: 1 | 6 << 32 | 63 << 36)
        #expect(ice.obstacle == nil && ice.shift == 46 && ice.algorithm == 1 && ice.highest == 63)
        #expect(
            keys(.encryptingIceLake, active: 3 | 6 << 32 | 4 << 48, capable: 1 | 6 << 32 | 63 << 36).obstacle
                == .noRandomKeys)
        // Bit 31: what has no key, the hypervisor's own memory among it, stays plain; keys are keys.
        #expect(keys(active: Self.active | 1 << 31).highest == 63)
        // Of six bits, TDX has five: one key is left, and none where it has all.
        #expect(keys(active: Self.active | 5 << 36).highest == 1)
        #expect(keys(active: Self.active | 6 << 36).obstacle == .notActivated)
    }

    @Test func whatIsMissingIsNamed() {
        #expect(keys(.skylake).obstacle == .absent)
        #expect(keys(.iceLake).obstacle == .absent)
        // Not locked; not on; no bits for keys.
        for active in [Self.active & ~1, Self.active & ~2, Self.active & ~(0xF << 32), 0] {
            #expect(keys(active: active).obstacle == .notActivated)
        }
        #expect(keys(active: 3 | 6 << 32 | 2 << 48).obstacle == .noRandomKeys)
        #expect(keys(packages: 2).obstacle == .severalPackages)
        var noTarget = RecordedProcessor.sapphireRapids
        noTarget.leaves[0x1B << 32] = CPUIDRegisters(eax: 1, ebx: 2)
        #expect(keys(noTarget).obstacle == .absent)
    }

    @Test func amdHasOneKeyForTheMachine() throws {
        var off = keys(.zen4), on = keys(.zen4, system: 1 << 23)
        #expect(off.obstacle == .oneKey && off.machineBit == 0 && off.register == 0)
        #expect(on.obstacle == .oneKey && on.machineBit == 1 << 51 && on.register == 0xC001_0010)
        guard let key = on.take(.machine) else { throw NoKey() }
        #expect(key.bits.encode(0x7000) == 1 << 51 | 0x7000 && key.program == 0)
        guard let none = off.take(.none) else { throw NoKey() }
        #expect(none.bits.encode(0x7000) == 0x7000)
    }

    private func manifest(_ demands: [MemoryKeyDemand]) -> Manifest {
        var manifest = Manifest()
        for (index, demand) in demands.enumerated() {
            var spec = PartitionSpec()
            spec.cores = CoreSet(core: index + 1)
            spec.resources.memoryKey = demand
            manifest.append(spec)
        }
        return manifest
    }

    @Test func whoRequiresAKeyComesFirst() throws {
        var facts = MachineFacts(cores: CoreSet(rawValue: 0xFF))
        facts.memoryKeys = MemoryKeys(highest: 2)
        let manifest = manifest([.preferred, .required, .none, .preferred])
        #expect((0..<4).map { manifest.memoryKey(of: $0, on: facts) } == [.own(2), .own(1), .none, .none])
        try manifest.checkResources(on: facts)
        #expect(throws: ManifestError(.tooFewMemoryKeys, value: 3, bound: 2)) {
            try self.manifest([.required, .required, .required]).checkResources(on: facts)
        }
        for obstacle in (0...UInt8.max).compactMap({ MemoryKeyObstacle(rawValue: $0) }) {
            facts.memoryKeys = MemoryKeys(obstacle: obstacle)
            #expect(throws: ManifestError(.noMemoryKeys, partition: 1, value: UInt64(obstacle.rawValue))) {
                try manifest.checkResources(on: facts)
            }
            #expect(manifest.memoryKey(of: 0, on: facts) == .none)
        }
        facts.memoryKeys = keys(.zen4, system: 1 << 23)
        #expect(manifest.memoryKey(of: 0, on: facts) == .machine)
        // Who asks for nothing has it too.
        #expect(manifest.memoryKey(of: 2, on: facts) == .machine)
    }

    /// A core of a partition with a key says so when its own register is another one, and others are not looked at.
    @Test func aCoreWithOtherEncryptionIsTold() throws {
        var facts = MachineFacts(cores: CoreSet(rawValue: 0xFF))
        (facts.resources, facts.memoryKeys) = (ResourceCapabilities(), keys())
        let manifest = manifest([.required, .none])
        let own = try manifest.resources(of: 1, on: facts), other = try manifest.resources(of: 2, on: facts)
        #expect(own.hasKey { $0 == 0x982 ? Self.active : 0 } && own.holds { $0 == 0x982 ? Self.active : 0 })
        for setting in [0, Self.active & ~1, Self.active ^ 1 << 32, Self.active | 1 << 31] {
            #expect(!own.hasKey { _ in setting } && !own.holds { _ in setting })
        }
        #expect(
            other.hasKey {
                Issue.record("read: \(String($0, radix: 16))")
                return 0
            })
        // AMD's one key is everybody's.
        facts.memoryKeys = keys(.zen4, system: 1 << 23)
        let sme = try manifest.resources(of: 2, on: facts)
        #expect(sme.hasKey { $0 == 0xC001_0010 ? 1 << 23 : 0 } && !sme.hasKey { _ in 0 })
    }

    // The model.

    private func partition(_ memory: EncryptedMemory, _ number: UInt32, _ keys: inout MemoryKeys) throws -> (
        PartitionMemory, UInt64
    ) {
        guard let key = keys.take(.own(number)) else { throw NoKey() }
        return (
            PartitionMemory(memory: memory, base: UInt64(number) << 20, shift: 46, bits: key.bits.encode(0)),
            key.program
        )
    }

    @Test func aStartClearsUnderANewKeyAndNothingRemains() throws {
        var keys = keys()
        let memory = EncryptedMemory(keyBits: 63 << 46)
        let (own, program) = try partition(memory, 1, &keys)
        #expect(own.renew(key: program) == 0)
        for address in own.addresses { #expect(memory.read(address) == 0) }
        for address in own.addresses { memory.write(address, 0x5EC2E7) }
        memory.evictAll()
        // By no key, by another key, by another's aliases and on another machine it is noise.
        for address in own.addresses {
            #expect(memory.read(address) == 0x5EC2E7)
            #expect(memory.read(address & ~(63 << 46)) != 0x5EC2E7 && memory.stolen(address) != 0x5EC2E7)
            #expect(memory.read(address & ~(63 << 46) | 2 << 46) != 0x5EC2E7)
        }
        memory.evictAll()
        let before = own.addresses.map { memory.stolen($0) }
        #expect(own.renew(key: program) == 0)
        // Cells that have not been written since are noise under the new key: the old one is gone for good.
        let fresh = PartitionMemory(memory: memory, base: own.base, shift: 46, bits: own.bits)
        for address in fresh.addresses { #expect(memory.read(address) == 0) }
        memory.evictAll()
        #expect(zip(before, own.addresses.map { memory.stolen($0) }).allSatisfy { $0 != $1 })
        for address in own.addresses { #expect(memory.read(address) == 0) }
    }

    /// Without the flush a line that was changed under the old key comes out under the new one, after the memory was cleared.
    @Test func aMissingFlushCorrupts() throws {
        for flushes in [true, false] {
            var keys = keys()
            let memory = EncryptedMemory(keyBits: 63 << 46)
            var (own, program) = try partition(memory, 1, &keys)
            own.flushes = flushes
            #expect(own.renew(key: program) == 0)
            for address in own.addresses { memory.write(address, 0x5EC2E7) }
            // A second start: the key is new before the lines are gone.
            let key = program
            if flushes { own.flush() }
            #expect(memory.program(key, shift: 46) == 0)
            memory.evictAll()
            let survives = own.addresses.contains { memory.read($0) == 0x5EC2E7 }
            #expect(survives == !flushes)
        }
    }

    @Test func aKeyIsTriedAgainButNotForEver() throws {
        var keys = keys()
        let memory = EncryptedMemory(keyBits: 63 << 46)
        let (own, program) = try partition(memory, 1, &keys)
        memory.answers = [2, 5, 2]
        #expect(own.renew(key: program) == 0 && memory.programs.count == 4)
        memory.answers = [4]
        #expect(own.renew(key: program) == 4 && memory.programs.count == 5)
        memory.answers = Array(repeating: 5, count: 5000)
        #expect(own.renew(key: program) == 5 && memory.programs.count == 1005)
    }

    @Test func whoHasNoKeyIsClearedAlone() {
        let memory = EncryptedMemory(keyBits: 63 << 46)
        let own = PartitionMemory(memory: memory, base: 1 << 20, shift: 46, bits: 0)
        #expect(own.renew(key: 0) == 0 && memory.programs.isEmpty)
        for address in own.addresses { #expect(memory.read(address) == 0) }
    }

    /// Each partition's frames are named by its own key in every format: no entry leads to a frame by another one. The tables are made
    /// as the hypervisor's are, with pages of every size.
    @Test func noAliasIsEverMapped() throws {
        var keys = keys(), seen: Set<KeyBits> = []
        for number: UInt32 in 1...8 {
            guard let key = keys.take(.own(number)) else { throw NoKey() }
            for leaves in [
                try leaves(LongModeFormat.self, key.bits), try leaves(EPTFormat.self, key.bits),
                try leaves(NestedFormat.self, key.bits), try leaves(VTDPageFormat.self, key.bits),
                try leaves(AMDViPageFormat.self, key.bits),
            ] {
                // 2 GiB behind 3 MiB behind 8 KiB.
                #expect(leaves.count > 4 && leaves.allSatisfy { $0 >> 46 == UInt64(number) })
                #expect(leaves.first.map { $0 & (1 << 46 - 1) } == 0x3FCF_E000)
            }
            #expect(seen.insert(key.bits).inserted && key.bits == keys.bits(of: .own(number)))
        }
    }

    /// The addresses in all leaves of a table that maps memory by a key.
    private func leaves<Format: PageTableFormat>(_: Format.Type, _ key: KeyBits) throws -> [UInt64] {
        let frames = Frames(64), base: UInt64 = 0x4000_0000 - 0x30_2000
        var arena = frames.makeArena()
        var table = try PageTable<Format>(hugePages: true, arena: &arena)
        try table.map(base, to: key.encode(base), size: 0x30_2000 + 2 << 30, .readWrite, arena: &arena)
        func walk(_ frame: UInt64, _ level: Int) -> [UInt64] {
            (0..<512).flatMap { index -> [UInt64] in
                let entry = frames.words[Int(frame - frames.base) / 8 + index]
                guard Format.isPresent(entry) else { return [] }
                if level == 1 || Format.isLeaf(entry, level: level) { return [Format.address(entry)] }
                return walk(Format.address(entry), level - 1)
            }
        }
        return walk(table.root, 4)
    }
}
