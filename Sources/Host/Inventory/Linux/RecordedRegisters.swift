import Foundation
import ManifestFile
import X86

/// CPUID and model-specific registers of processor 0, as Linux' devices `cpuid` and `msr` show them to root. A recorded machine has
/// them as text: `dev/cpu/0/cpuid` with a line `LEAF SUBLEAF EAX EBX ECX EDX`, `dev/cpu/0/msr` with a line `INDEX VALUE`, all
/// hexadecimal.
struct RecordedRegisters {
    private let tree: FileTree
    private let cpuidLines: [[UInt64]: [UInt64]]
    private let msrLines: [UInt64: UInt64]

    init(_ tree: FileTree) {
        func lines(_ path: String) -> [[UInt64]] {
            guard tree.isRegularFile(path), let text = tree.text(path) else { return [] }
            return text.split(separator: "\n").map { line in
                line.split(separator: " ").compactMap {
                    UInt64($0.hasPrefix("0x") ? $0.dropFirst(2) : $0, radix: 16)
                }
            }
        }
        self.tree = tree
        cpuidLines = Dictionary(
            lines("dev/cpu/0/cpuid").filter { $0.count == 6 }.map { (Array($0[..<2]), Array($0[2...])) },
            uniquingKeysWith: { $1 })
        msrLines = Dictionary(
            lines("dev/cpu/0/msr").filter { $0.count == 2 }.map { ($0[0], $0[1]) }, uniquingKeysWith: { $1 })
    }

    /// nil when it cannot be read, or the processor does not have it.
    func msr(_ index: UInt32) -> UInt64? {
        if !msrLines.isEmpty { return msrLines[UInt64(index)] }
        return tree.device("dev/cpu/0/msr", UInt64(index), count: 8).map { Self.word($0, 0) | Self.word($0, 4) << 32 }
    }

    func cpuid(_ leaf: UInt32, _ subleaf: UInt32 = 0) -> CPUIDRegisters? {
        if !cpuidLines.isEmpty {
            guard let line = cpuidLines[[UInt64(leaf), UInt64(subleaf)]] else { return nil }
            let words = line.map { UInt32(truncatingIfNeeded: $0) }
            return CPUIDRegisters(eax: words[0], ebx: words[1], ecx: words[2], edx: words[3])
        }
        guard let bytes = tree.device("dev/cpu/0/cpuid", UInt64(subleaf) << 32 | UInt64(leaf), count: 16) else {
            return nil
        }
        let words = (0..<4).map { UInt32(truncatingIfNeeded: Self.word(bytes, $0 * 4)) }
        return CPUIDRegisters(eax: words[0], ebx: words[1], ecx: words[2], edx: words[3])
    }

    private static func word(_ bytes: [UInt8], _ offset: Int) -> UInt64 {
        (0..<4).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
    }
}
