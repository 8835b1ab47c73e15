/// Public areas (TPMT_PUBLIC) of objects that a TPM is told to make.
public enum TPMTemplate {
    /// What an object may do, and where: TPMA_OBJECT (Part 2, section 8.3).
    public enum Attribute {
        public static let fixedTPM: UInt32 = 1 << 1
        public static let fixedParent: UInt32 = 1 << 4
        public static let sensitiveDataOrigin: UInt32 = 1 << 5
        public static let userWithAuth: UInt32 = 1 << 6
        public static let noDA: UInt32 = 1 << 10
        public static let restricted: UInt32 = 1 << 16
        public static let decrypt: UInt32 = 1 << 17
        public static let sign: UInt32 = 1 << 18
    }

    /// TPM_ALG_ID.
    public enum Algorithm {
        public static let rsa: UInt16 = 0x0001
        public static let aes: UInt16 = 0x0006
        public static let keyedHash: UInt16 = 0x0008
        public static let sha256: UInt16 = 0x000B
        public static let null: UInt16 = 0x0010
        public static let ecc: UInt16 = 0x0023
        public static let cfb: UInt16 = 0x0043
    }

    /// The storage key that the TCG recommends (TPM v2.0 Provisioning Guidance, section 7.5.1; EK Credential Profile, template of P-256):
    /// AES-128 in mode CFB beneath it, no password, no lock after wrong ones.
    public static let storageKeyP256: [UInt8] = {
        var area = TPMWriter()
        area.put(Algorithm.ecc)
        area.put(Algorithm.sha256)
        area.put(
            Attribute.fixedTPM | Attribute.fixedParent | Attribute.sensitiveDataOrigin | Attribute.userWithAuth
                | Attribute.noDA | Attribute.restricted | Attribute.decrypt)
        area.put(UInt16(0))
        for word in [Algorithm.aes, 128, Algorithm.cfb, Algorithm.null, 0x0003, Algorithm.null] { area.put(word) }
        for _ in 0..<2 { area.put(sized: [UInt8](repeating: 0, count: 32)) }
        return area.bytes
    }()

    /// Data that only a policy opens, only on this TPM beneath this key. Wrong tries lock nothing: a policy cannot be guessed.
    /// - Parameter policy: SHA-256.
    public static func sealed(policy: [UInt8]) -> [UInt8] {
        var area = TPMWriter()
        area.put(Algorithm.keyedHash)
        area.put(Algorithm.sha256)
        area.put(Attribute.fixedTPM | Attribute.fixedParent | Attribute.noDA)
        area.put(sized: policy)
        area.put(Algorithm.null)
        area.put(UInt16(0))
        return area.bytes
    }
}
