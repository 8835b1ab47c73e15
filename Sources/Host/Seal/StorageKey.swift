import TPM

/// The key beneath which secrets are sealed, at the persistent handle that the TCG has reserved for it.
public enum StorageKey {
    /// TCG TPM v2.0 Provisioning Guidance, section 7.5.1.
    public static let handle: UInt32 = 0x8100_0001

    /// Makes sure that it is there.
    /// - Returns: whether it was made. One that is there is used as it is.
    /// - Throws: `SealError.notAStorageKey`, `TPMError`.
    public static func provide(_ tpm: TPMConnection) throws -> Bool {
        if let found = try tpm.readPublic(handle) {
            typealias Attribute = TPMTemplate.Attribute
            let needed = Attribute.restricted | Attribute.decrypt | Attribute.userWithAuth
            guard [TPMTemplate.Algorithm.rsa, TPMTemplate.Algorithm.ecc].contains(found.type),
                found.attributes & needed == needed, found.attributes & Attribute.sign == 0
            else { throw SealError.notAStorageKey(handle: handle) }
            return false
        }
        let made = try tpm.createPrimary(TPMTemplate.storageKeyP256)
        try tpm.with(made) { key throws(TPMError) in try tpm.persist(key, at: handle) }
        return true
    }
}
