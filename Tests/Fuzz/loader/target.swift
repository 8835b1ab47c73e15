nonisolated(unsafe) private let oracle = LoaderOracle()

/// What libFuzzer calls with each input: what the loader runs on an image.
@c(LLVMFuzzerTestOneInput)
public func fuzzLoader(_ start: UnsafeRawPointer, _ count: Int) -> CInt {
    if let complaint = oracle.complaint(about: UnsafeRawBufferPointer(start: start, count: count)) {
        fatalError(complaint)
    }
    return 0
}
