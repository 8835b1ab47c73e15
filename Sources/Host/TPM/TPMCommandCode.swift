/// A command of the TPM 2.0 Library (Part 2, section 6.5.2), by its code.
public enum TPMCommandCode: UInt32, CaseIterable, Sendable {
    case evictControl = 0x120
    case undefineSpace = 0x122
    case clear = 0x126
    case defineSpace = 0x12A
    case createPrimary = 0x131
    case increment = 0x134
    case shutdown = 0x145
    case policyNV = 0x149
    case readNV = 0x14E
    case create = 0x153
    case load = 0x157
    case quote = 0x158
    case unseal = 0x15E
    case flushContext = 0x165
    case readNVPublic = 0x169
    case readPublic = 0x173
    case startAuthSession = 0x176
    case getCapability = 0x17A
    case readPCR = 0x17E
    case policyPCR = 0x17F
    case extendPCR = 0x182
    case policyGetDigest = 0x189

    /// As the TPM's documents call it.
    public var name: String {
        switch self {
        case .evictControl: "TPM2_EvictControl"
        case .undefineSpace: "TPM2_NV_UndefineSpace"
        case .clear: "TPM2_Clear"
        case .defineSpace: "TPM2_NV_DefineSpace"
        case .createPrimary: "TPM2_CreatePrimary"
        case .increment: "TPM2_NV_Increment"
        case .shutdown: "TPM2_Shutdown"
        case .policyNV: "TPM2_PolicyNV"
        case .readNV: "TPM2_NV_Read"
        case .create: "TPM2_Create"
        case .load: "TPM2_Load"
        case .quote: "TPM2_Quote"
        case .unseal: "TPM2_Unseal"
        case .flushContext: "TPM2_FlushContext"
        case .readNVPublic: "TPM2_NV_ReadPublic"
        case .readPublic: "TPM2_ReadPublic"
        case .startAuthSession: "TPM2_StartAuthSession"
        case .getCapability: "TPM2_GetCapability"
        case .readPCR: "TPM2_PCR_Read"
        case .policyPCR: "TPM2_PolicyPCR"
        case .extendPCR: "TPM2_PCR_Extend"
        case .policyGetDigest: "TPM2_PolicyGetDigest"
        }
    }

    /// Whether a successful response has a handle between its head and its parameters (Part 3).
    var returnsHandle: Bool {
        switch self {
        case .createPrimary, .load, .startAuthSession: true
        default: false
        }
    }
}
