/// Whose virtualisation a processor has.
public enum Vendor: Sendable {
    /// SVM; Hygon's processors too.
    case amd
    /// VMX.
    case intel

    /// From the registers of CPUID leaf 0, of which EBX, EDX and ECX hold the name's twelve letters; nil for others.
    public init?(ebx: UInt32, ecx: UInt32, edx: UInt32) {
        switch (ebx, edx, ecx) {
        case (0x6874_7541, 0x6974_6E65, 0x444D_4163): self = .amd  // AuthenticAMD
        case (0x6F67_7948, 0x6E65_476E, 0x656E_6975): self = .amd  // HygonGenuine
        case (0x756E_6547, 0x4965_6E69, 0x6C65_746E): self = .intel  // GenuineIntel
        default: return nil
        }
    }
}
