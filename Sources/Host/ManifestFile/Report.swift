import Foundation
import Manifest
import ManifestRules

extension FieldReader {
    /// Turns a refusal of the model into a problem at the line that caused it, unless that line has one already.
    mutating func report(_ error: ManifestRefusal, _ manifest: Manifest) {
        let key = FieldKey(partition: error.partition, field: error.field)
        if broken.contains(key) || followsFromBroken(error) { return }
        partition = error.partition
        defer { partition = nil }
        let hint = error.other.flatMap { other in
            line(FieldKey(partition: other, field: otherField(error))).map { "the other one is in line \($0)" }
        }
        fail(line(key), error.sentence(manifest), hint: hint, field: error.field, isConsequence: true)
    }

    /// The line of a field, or of what it is part of.
    func line(_ key: FieldKey) -> Int? {
        lines[key] ?? lines[FieldKey(partition: key.partition, field: .whole)]
            ?? lines[FieldKey(partition: nil, field: .whole)]
    }

    private func otherField(_ error: ManifestRefusal) -> ManifestField {
        error.reason == .tool(.pathCaseClash) ? .kernel : error.field
    }

    /// Whether a problem that was told already has made the values that this one compares.
    private func followsFromBroken(_ error: ManifestRefusal) -> Bool {
        switch error.reason {
        case .hypervisor(.noPartitions): return isBroken(.whole, nil)
        case .tool(.coreOutOfRange), .tool(.housekeepingOutOfRange): return isBroken(.machineCores, nil)
        case .hypervisor(.memoryTooLarge): return isBroken(.memoryBase, error.partition)
        case .hypervisor(.memoryBaseUnaligned): return isBroken(.memorySize, error.partition)
        case .hypervisor(.coreClaimedTwice): return isBroken(.cores, error.other)
        case .hypervisor(.memoryOverlap):
            return isBroken(.memoryBase, error.other) || isBroken(.memorySize, error.other)
        default: return false
        }
    }

    private func isBroken(_ field: ManifestField, _ partition: Int?) -> Bool {
        broken.contains(FieldKey(partition: partition, field: field))
    }

    /// Each image that is named must be there, and be one that its partition's loader loads. Paths that are refused are not
    /// looked for.
    mutating func checkImages(_ manifest: Manifest, _ source: ImageSource, isLoading: Bool) {
        if case .unchecked = source { return }
        var refusedPaths: Set<FieldKey> = broken
        manifest.forEachProblem { refusedPaths.insert(FieldKey(partition: $0.partition, field: $0.field)) }
        for (index, spec) in manifest.partitionList.enumerated() {
            var found: [ManifestField: URL] = [:]
            for (field, path) in [(ManifestField.kernel, spec.image.string), (.initrd, spec.initrd.string)] {
                let key = FieldKey(partition: index, field: field)
                guard !path.isEmpty, !refusedPaths.contains(key) else { continue }
                do throws(ImageMissing) {
                    found[field] = try source.locate(path)
                } catch {
                    fail(line(key), error.reason, hint: error.hint, field: field)
                }
            }
            guard isLoading, let kernel = found[.kernel], spec.initrd.isEmpty || found[.initrd] != nil else { continue }
            do throws(ImageLoading.Problem) {
                try ImageLoading.check(kernel: kernel, initrd: found[.initrd], of: spec)
            } catch {
                let field = error.isInitrd ? ManifestField.initrd : .kernel
                let place = line(FieldKey(partition: index, field: field))
                fail(place, error.reason, hint: error.hint, field: field)
            }
        }
    }
}
