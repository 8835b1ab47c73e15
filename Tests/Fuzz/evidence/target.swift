/// What libFuzzer calls with each input: a part of evidence, as a machine that is not trusted sends it. Whatever it is, nothing
/// traps, and what is read keeps what is said of it (`EvidenceInvariants.swift`).
@c(LLVMFuzzerTestOneInput)
public func fuzzEvidence(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let broken = unsafe brokenEvidence(Array(UnsafeBufferPointer(start: start, count: count))).broken
    guard broken.isEmpty else { fatalError("read, but not: \(broken)") }
    return 0
}
