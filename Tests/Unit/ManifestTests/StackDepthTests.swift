import Foundation
import Manifest
import ManifestFile
import ManifestRules
import PCI
import Testing
import UnitSupport

/// A manifest is a value of some 27 KiB, and a compiler that does not optimize copies it for each look into its list of partitions.
/// No function may take so many copies that a thread is in danger: a tenth of what Linux gives one (8 MiB) is the most.
@Suite struct StackDepthTests {
    private static let most = 800 << 10

    /// As many partitions as there can be, each with a device.
    private static func full() -> Manifest {
        sample { manifest in
            (manifest.machineCores, manifest.machineMemory) = (64, 64 * gibibyte)
            while manifest.partitionCount < Manifest.maxPartitions {
                var next = manifest.partitions[0]
                let number = UInt8(manifest.partitionCount)
                next.name = "next"
                next.cores = CoreSet(core: Int(number) + 10)
                var device = DeviceSpec()
                device.address = FunctionAddress(bus: number, device: 0, function: 0)
                _ = next.devices.append(device)
                manifest.append(next)
            }
        }
    }

    @Test func whatReadsJudgesAndWritesAManifest() throws {
        let manifest = Self.full(), bytes = try encoded(sample())
        var facts = MachineFacts(coreCount: 64, installedMemory: 64 * gibibyte)
        facts.usableIOMMU = true
        facts.free.add(MemoryRange(base: gibibyte, end: 65 * gibibyte))
        let machine = facts, other = sample()
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let file = root.appending(path: "Examples/demo.yaml").path
        let parts: [(String, @Sendable () -> Void)] = [
            ("encode", { _ = try? encoded(manifest) }), ("decode", { _ = try? decoded(bytes) }),
            ("rules", { _ = problems(manifest) }), ("machine", { _ = try? other.check(against: machine) }),
            (
                "devices",
                {
                    do throws(ManifestError) { try manifest.check(against: machine) } catch {
                        _ = sentence(error, manifest)
                    }
                }
            ),
            ("compile", { _ = try? compileManifest(file, images: .unchecked).1 }),
        ]
        for (name, part) in parts {
            let depth = stackDepth(part)
            #expect(depth > 1000 && depth < Self.most, "\(name) takes \(depth) bytes of stack")
        }
    }
}
