/// An entry of an I/O APIC's redirection table.
public struct RedirectionEntry: Equatable, Sendable {
    public let low: UInt32
    public let high: UInt32

    /// An NMI (82093AA datasheet, section 3.2.4: delivery mode 100b); nil for ids that do not fit.
    public static func nmi(to apicID: UInt32) -> RedirectionEntry? {
        apicID < 255 ? RedirectionEntry(low: 0x400, high: apicID << 24) : nil
    }

    /// What a VT-d unit's interrupt table has at `index` (VT-d specification, section 5.1.2.1, remappable format).
    static func remapped(index: UInt16) -> RedirectionEntry {
        RedirectionEntry(low: UInt32(index >> 15) << 11, high: UInt32(index & 0x7FFF) << 17 | 1 << 16)
    }
}
