import CBOR
import Manifest
import Text

/// What libFuzzer calls with each input: the decoder that the hypervisor runs on bytes from the boot volume. Whatever
/// they are, the outcome is a refusal that can be told in words, or a valid manifest with exactly this encoding.
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
        guard !words.isEmpty, words.count < 300 else { fatalError("a refusal without words, or one cut short") }
        return 0
    }
    var problems = 0
    manifest.forEachProblem { _ in problems += 1 }
    guard problems == 0 else { fatalError("decoded, but not valid") }
    var buffer = [UInt8](repeating: 0, count: Manifest.maxEncodedSize)
    let length = try? manifest.encode(into: buffer.mutableSpan)
    guard length == count, (0..<count).allSatisfy({ buffer[$0] == bytes[$0] }) else {
        fatalError("decoded, but encoded otherwise")
    }
    // A machine that has what is asked for: the placement may fail, it may not trap.
    var machine = MachineFacts(coreCount: manifest.machineCores, installedMemory: manifest.machineMemory)
    machine.free.add(MemoryRange(base: 0x10_0000, end: manifest.machineMemory))
    machine.free.remove(MemoryRange(base: 0xC000_0000, end: 0x1_0000_0000))
    _ = try? manifest.check(against: machine)
    return 0
}
