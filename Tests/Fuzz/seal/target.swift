/// What libFuzzer calls with each input: what somebody between two sealed ends of a wire does with what he sees, and the input itself as a frame.
@c(LLVMFuzzerTestOneInput)
public func fuzzSeal(_ start: UnsafeRawPointer, _ count: Int) -> CInt {
    var oracle = SealOracle()
    if let complaint = oracle.complaint(about: UnsafeRawBufferPointer(start: start, count: count)) {
        fatalError(complaint)
    }
    return 0
}
