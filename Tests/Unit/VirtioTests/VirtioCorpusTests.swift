import Testing
import UnitSupport

/// Replays what the fuzzer found worth keeping (`Tests/Fuzz/run virtio`).
@Suite struct VirtioCorpusTests {
    @Test func whateverTheGuestDoesIsBounded() throws {
        let inputs = try fuzzCorpus("virtio")
        try #require(inputs.count >= 20)
        let oracle = VirtioOracle(), wire = WireOracle(), port = PortOracle()
        for (number, bytes) in inputs.enumerated() {
            let complaint = bytes.withUnsafeBytes {
                oracle.complaint(about: $0) ?? wire.complaint(about: $0) ?? port.complaint(about: $0)
            }
            #expect(complaint == nil, "input \(number)")
        }
    }
}
