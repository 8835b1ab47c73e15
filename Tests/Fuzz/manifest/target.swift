import CBOR
import Manifest
import ManifestRules
import Text

/// What libFuzzer calls with each input: the decoder that the hypervisor runs on bytes from the boot volume. Whatever
/// they are, the outcome is a refusal that can be told in words, or a manifest with exactly this encoding that keeps
/// all that root mode takes for granted (`ManifestInvariants.swift`), also on a machine that it fits.
@c(LLVMFuzzerTestOneInput)
public func fuzzManifest(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = unsafe UnsafeBufferPointer(start: start, count: count)
    let bytes = unsafe input.span
    var reader = CBORReader(bytes)
    try? reader.skip()
    var manifest = Manifest()
    do throws(ManifestError) {
        try manifest.decode(bytes)
    } catch {
        var words = Text<300>()
        error.describe(manifest, to: &words)
        guard !words.isEmpty, words.count < 300, manifest.partitionCount == 0 else {
            fatalError("a refusal without words, or one cut short")
        }
        return 0
    }
    let broken = brokenInvariants(manifest)
    guard broken.isEmpty else { fatalError("decoded, but not: \(broken)") }
    // The tool has rules of its own; whatever they find, it has a sentence.
    manifest.forEachProblem { problem in
        guard case .tool = problem.reason, !problem.sentence(manifest).isEmpty else {
            fatalError("decoded, but \(problem)")
        }
    }
    var buffer = [UInt8](repeating: 0, count: Manifest.maxEncodedSize)
    let length = try? manifest.encode(into: buffer.mutableSpan)
    guard length == count, (0..<count).allSatisfy({ buffer[$0] == bytes[$0] }) else {
        fatalError("decoded, but encoded otherwise")
    }
    for groups in [false, true] {
        let machine = machineFacts(for: manifest, groups: groups)
        guard let plan = try? manifest.check(against: machine) else { continue }
        let broken = brokenInvariants(manifest, plan, on: machine)
        guard broken.isEmpty else { fatalError("fits, but not: \(broken)") }
    }
    return 0
}
