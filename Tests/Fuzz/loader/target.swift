nonisolated(unsafe) private let oracle = LoaderOracle()

/// What libFuzzer calls with each input: the loaders that the hypervisor runs on a guest's image.
@c(LLVMFuzzerTestOneInput)
public func fuzzLoader(_ start: UnsafeRawPointer, _ count: Int) -> CInt {
    if let complaint = oracle.complaint(about: UnsafeRawBufferPointer(start: start, count: count)) {
        fatalError(complaint)
    }
    return 0
}
