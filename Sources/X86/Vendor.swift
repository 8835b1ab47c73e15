public enum Vendor: Sendable {
    case amd, intel
    public init?(ebx: UInt32, ecx: UInt32, edx: UInt32) {
        if ebx == 0x6874_7541 { self = .amd } else if ebx == 0x756E_6547 { self = .intel } else { return nil }
    }
}
