import Silicon
import X86

extension Errata {
    /// Of the core that executes this.
    init(_ vendor: Vendor) {
        self.init(vendor, native: nativeCPUID) { cpu_rdmsr(PredictorClearing.architecturalCapabilities) }
    }

    /// Throws the name of what the core does not keep.
    func enforce() throws(Refusal) {
        if let name = enforce(read: { cpu_rdmsr($0) }, write: { cpu_wrmsr($0, $1) }) {
            throw Refusal("the processor does not keep what is set against the erratum ", name)
        }
    }
}
