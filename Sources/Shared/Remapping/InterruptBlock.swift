/// The interrupts that one function may raise: for each vCPU of its partition, a block of 256 entries that nobody changes
/// any more, entry v of which delivers vector v to that vCPU's core. Programming a message is then arithmetic alone.
public struct InterruptBlock: Equatable, Sendable {
    /// Index of the first entry.
    let base: Int
    let vcpuCount: Int
    /// Whether a message has its index in the address, as VT-d takes it, or in the data, as AMD does.
    let indexInAddress: Bool

    /// No interrupts at all.
    public static let empty = InterruptBlock(base: 0, vcpuCount: 0, indexInAddress: false)
    /// Vectors below this are exceptions; processors refuse them in messages (Intel SDM volume 3A, section 11.5.2).
    static let firstVector: UInt8 = 16

    /// What the function has to write so that `vector` reaches `vcpu`; nil when there is no such interrupt. A function
    /// with several messages adds their number to the data, as the vectors follow each other.
    public func message(vcpu: Int, vector: UInt8) -> (address: UInt64, data: UInt32)? {
        guard vcpu >= 0, vcpu < vcpuCount, vector >= Self.firstVector else { return nil }
        let index = base + vcpu * 256 + Int(vector)
        // Specification 48882, section 2.2.5.1: the data's lower 9 bits; of units with 2,048 interrupts a function, which more than two vCPUs
        // take, 11 bits where the address has DM, bit 2.
        guard indexInAddress else { return (vcpuCount > 2 ? 0xFEE0_0004 : 0xFEE0_0000, UInt32(index)) }
        // Remappable format with a subhandle (VT-d specification, section 5.1.2.2): bits 19:5 the index's lower 15, 4 the
        // format, 3 SHV, 2 the index's bit 15. The data is added to the index.
        return (0xFEE0_0018 | UInt64(index & 0x7FFF) << 5 | UInt64(index >> 15 & 1) << 2, 0)
    }
}
