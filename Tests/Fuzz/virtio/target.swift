nonisolated(unsafe) private let oracle = VirtioOracle()
nonisolated(unsafe) private let wire = WireOracle()
nonisolated(unsafe) private let port = PortOracle()

/// What libFuzzer calls with each input: what a guest does with its virtio console, and guests at the ends of a wire or of a port.
@c(LLVMFuzzerTestOneInput)
public func fuzzVirtio(_ start: UnsafeRawPointer, _ count: Int) -> CInt {
    let input = UnsafeRawBufferPointer(start: start, count: count)
    if let complaint = oracle.complaint(about: input) ?? wire.complaint(about: input) ?? port.complaint(about: input) {
        fatalError(complaint)
    }
    return 0
}
