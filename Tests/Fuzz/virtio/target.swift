nonisolated(unsafe) private let oracle = VirtioOracle()

/// What libFuzzer calls with each input: what a guest does with its virtio console.
@c(LLVMFuzzerTestOneInput)
public func fuzzVirtio(_ start: UnsafeRawPointer, _ count: Int) -> CInt {
    if let complaint = oracle.complaint(about: UnsafeRawBufferPointer(start: start, count: count)) {
        fatalError(complaint)
    }
    return 0
}
