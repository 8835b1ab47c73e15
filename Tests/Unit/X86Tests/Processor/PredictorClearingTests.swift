import Testing
import X86

@Suite struct PredictorClearingTests {
    private func clearing(_ vendor: Vendor, _ leaves: Leaves, _ capabilities: UInt64? = nil) -> PredictorClearing {
        PredictorClearing(vendor, native: leaves.callAsFunction) {
            #expect(capabilities != nil, "ARCH_CAPABILITIES is read though it does not exist")
            return capabilities ?? 0
        }
    }
    /// What is done to a core, in its order.
    private func done(_ clearing: PredictorClearing, sibling: Bool = false) -> [String] {
        var done: [String] = []
        clearing.clear(
            sibling: sibling,
            write: { done.append(String($0, radix: 16) + "=" + String($1, radix: 16)) },
            overwriteBuffers: { done.append("verw") })
        return done
    }

    @Test func aProcessorThatEnumeratesNothingIsLeftAlone() {
        for vendor in [Vendor.amd, .intel] { #expect(done(clearing(vendor, Leaves([]))).isEmpty) }
    }

    @Test func amd() {
        let leaves = Leaves([
            (0x8000_0000, 0, CPUIDRegisters(eax: 0x8000_0021)),
            (0x8000_0008, 0, CPUIDRegisters(ebx: 1 << 12 | 1 << 14 | 1 << 15)),
            (0x8000_0021, 0, CPUIDRegisters(eax: 1 << 5)),
            (0, 0, CPUIDRegisters(eax: 0xD)), (7, 0, CPUIDRegisters(edx: 1 << 28)),  // Intel's bits say nothing here
        ])
        #expect(done(clearing(.amd, leaves)) == ["48=0", "49=1", "verw"])
        #expect(done(clearing(.amd, leaves), sibling: true) == ["48=2", "49=1", "verw"])
    }

    @Test func amdLeavesBeyondTheLastAreNotRead() {
        let leaves = Leaves([
            (0x8000_0000, 0, CPUIDRegisters(eax: 0x8000_0008)),
            (0x8000_0008, 0, CPUIDRegisters(ebx: 1 << 12)), (0x8000_0021, 0, CPUIDRegisters(eax: .max)),
        ])
        #expect(done(clearing(.amd, leaves)) == ["49=1"])
    }

    @Test func intel() {
        let leaves = Leaves([
            (0, 0, CPUIDRegisters(eax: 7)), (7, 0, CPUIDRegisters(edx: 1 << 10 | 1 << 26 | 1 << 27 | 1 << 28)),
        ])
        #expect(done(clearing(.intel, leaves)) == ["48=0", "49=1", "10b=1", "verw"])
        #expect(done(clearing(.intel, leaves), sibling: true).first == "48=2")
    }

    @Test func intelCapabilitiesSayThatVERWClears() {
        let leaves = Leaves([(0, 0, CPUIDRegisters(eax: 7)), (7, 0, CPUIDRegisters(edx: 1 << 29))])
        #expect(done(clearing(.intel, leaves, 1 << 17)) == ["verw"])
        #expect(done(clearing(.intel, leaves, 1 << 28)) == ["verw"])
        #expect(done(clearing(.intel, leaves, 1 << 5)).isEmpty)
    }

    @Test func siblingsNeedSTIBPAndNotOnlyAControlRegister() {
        let leaves = Leaves([(0, 0, CPUIDRegisters(eax: 7)), (7, 0, CPUIDRegisters(edx: 1 << 31))])
        #expect(done(clearing(.intel, leaves), sibling: true) == ["48=0"])
    }
}
