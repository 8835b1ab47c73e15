import Manifest
import ManifestRules
import Testing

/// Manifests that somebody else than the tool encoded: well-formed, with values chosen to do harm.
@Suite struct TamperedTests {
    static let numbers: [UInt64] = [
        0, 1, 2, 7, 8, 15, 16, 17, 63, 64, 65, 255, 256, 65535, 1 << 20, 2 << 20, 16 << 20, 1 << 21 | 1, 1 << 30,
        1 << 31, 1 << 32, 1 << 51, (1 << 52) - (2 << 20), 1 << 52, (1 << 52) + (2 << 20), 1 << 62, 1 << 63,
        .max - (2 << 20) + 1, .max - 1, .max,
    ]

    static func tampered(_ random: inout some RandomNumberGenerator) -> Manifest {
        func number() -> UInt64 { numbers.randomElement(using: &random) ?? 0 }
        func flip() -> Bool { Int.random(in: 0..<12, using: &random) == 0 }
        var manifest = Manifest()
        manifest.machineCores = flip() ? Int(number() & 0xFFFF) : 4
        manifest.machineMemory = flip() ? number() : 4 << 30
        manifest.housekeeping = flip() ? Int(number() & 0xFFFF) : 0
        for i in 0..<Int.random(in: 0...8, using: &random) {
            var spec = PartitionSpec()
            spec.name = flip() ? "" : "same name"
            spec.image = flip() ? "" : "../../EFI\\x"
            spec.cores = flip() ? CoreSet(rawValue: number()) : CoreSet(core: i)
            spec.memorySize = flip() ? number() : 64 << 20
            spec.memoryBase = flip() ? number() : 0
            spec.permits = flip() ? ControlOperations(rawValue: UInt16(number() & 0xFFFF)) : .all
            spec.accepts = flip() ? Acceptances(rawValue: UInt8(number() & 0xFF)) : Acceptances()
            for _ in 0..<Int.random(in: 0...8, using: &random) where flip() {
                var device = DeviceSpec()
                device.address.requester = UInt16(number() & 0xFFFF) ^ UInt16.random(in: 0...15, using: &random)
                device.virtualFunctions = flip() ? UInt8(number() & 0xFF) : 0
                _ = spec.devices.append(device)
            }
            manifest.append(spec)
        }
        return manifest
    }

    /// What decodes keeps every invariant; what then fits a machine keeps those of the plan; nothing traps.
    @Test func whateverDecodesIsSafe() throws {
        var random = SystemRandomNumberGenerator()
        var decodes = 0, fits = 0
        for _ in 0..<1500 {
            let bytes = try encoded(Self.tampered(&random))
            var manifest = Manifest()
            do throws(ManifestError) { try manifest.decode(bytes.span) } catch {
                #expect(manifest.partitionCount == 0 && !consoleSentence(error, manifest).contains("%"))
                continue
            }
            decodes += 1
            #expect(brokenInvariants(manifest) == [])
            for groups in [false, true] {
                let machine = machineFacts(for: manifest, groups: groups)
                guard let plan = try? manifest.check(against: machine) else { continue }
                fits += 1
                #expect(brokenInvariants(manifest, plan, on: machine) == [])
            }
            _ = try? manifest.check(against: MachineFacts(coreCount: 0))
        }
        #expect(decodes > 50 && fits > 20)
    }

    static let changes: [@Sendable (inout Manifest) -> Void] = [
        { $0.partitions[0].cores = CoreSet() }, { $0.partitions[0].cores = CoreSet(rawValue: 0x1FFFF << 8) },
        { $0.partitions[0].cores = CoreSet(core: 2) }, { $0.partitions[0].memorySize = 14 << 20 },
        { $0.partitions[0].memorySize = (64 << 20) + 4096 }, { $0.partitions[1].memoryBase = (1 << 52) - (2 << 20) },
        { $0.partitions[0].memoryBase = 0x4020_0000 }, { $0.partitions[0].memorySize = 1 << 53 },
        { $0.partitions[0].image = "" }, { $0.partitions[0].permits = ControlOperations(rawValue: 0x200) },
        { $0.partitions[0].accepts = Acceptances(rawValue: 4) },
        { for i in 0..<2 { _ = $0.partitions[i].devices.append(spec("00:02.0")) } },
        { _ = $0.partitions[0].devices.append(spec("00:02.0") { $0.virtualFunctions = 65 }) },
    ]

    /// Each demand of the invariants is one that a manifest can break.
    @Test(arguments: changes) func invariantsBreak(_ change: @Sendable (inout Manifest) -> Void) throws {
        let manifest = sample(change)
        #expect(brokenInvariants(manifest).count == 1, "\(brokenInvariants(manifest))")
        let bytes = try encoded(manifest)
        #expect(throws: ManifestError.self) { try decoded(bytes) }
    }
}
