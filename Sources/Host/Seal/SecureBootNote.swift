import Foundation

/// Whether PCR 7 keeps other programs from a secret: it does while Secure Boot is on.
public enum SecureBootNote {
    public static let variable = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

    /// - Parameters:
    ///   - isOwn: the value of PCR 7 was read from the TPM of the machine that this runs on; else nothing is known of it.
    ///   - pcrs: those that are sealed to.
    /// - Returns: one line; nil where nothing is to be said.
    public static func text(pcrs: some Collection<Int>, isOwn: Bool, variable path: String = variable) -> String? {
        guard !pcrs.contains(4) else { return nil }
        let advice =
            "PCR 7 keeps nobody from starting another program that gets the secret; --pcrs 4,7,11 binds to this very program"
        guard isOwn, let content = try? Data(contentsOf: URL(filePath: path)) else {
            return "it is not known here whether Secure Boot is on; without it \(advice)"
        }
        // efivarfs: four bytes of attributes, then the value.
        return content.count == 5 && content.last == 1 ? nil : "Secure Boot is off: \(advice)"
    }
}
