import ManifestFile
import Policy

/// What libFuzzer calls with each input: the text of a policy, which says who may do what on a machine. Whatever it is,
/// the outcome is a refusal that can be told, each fault on one line, or a policy that denies all that it does not allow
/// (`PolicyInvariants.swift`).
@c(LLVMFuzzerTestOneInput)
public func fuzzPolicy(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = unsafe UnsafeBufferPointer(start: start, count: count)
    // A file that is no UTF-8 is refused before it is read.
    guard let text = unsafe String(validating: input, as: UTF8.self) else { return 0 }
    let broken = brokenInvariants(ofPolicy: text)
    guard broken.isEmpty else { fatalError("\(broken)") }
    return 0
}
