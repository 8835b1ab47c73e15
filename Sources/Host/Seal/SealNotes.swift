import Foundation

/// What keeps a secret less well than it could be kept, or may not be what was meant: a line each.
public enum SealNotes {
    /// efivarfs has it on a machine that UEFI started.
    public static let secureBoot = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

    /// Of the secret, of which nothing is said but that it is text, and of the counter that it is sealed to.
    public static func lines(secret: [UInt8], counter: UInt64?) -> [String] {
        var lines: [String] = []
        if secret.allSatisfy({ (0x20...0x7E).contains($0) || [0x09, 0x0A, 0x0D].contains($0) }) {
            lines.append(
                "the secret is text: a passphrase can be guessed by its digest, which the manifest shows; 32 bytes of /dev/urandom cannot"
            )
        }
        if counter == nil {
            lines.append(
                "without a counter an old manifest of the owner's opens it too (`bulkhead counter --create`, then seal again)"
            )
        }
        return lines
    }

    /// - Parameters:
    ///   - pcrs: those that are sealed to.
    ///   - given: those whose values were not read from the TPM.
    ///   - isOwn: the TPM is that of the machine that this runs on.
    public static func lines(
        pcrs: Set<Int>, given: Set<Int>, isOwn: Bool, secureBoot variable: String = secureBoot
    ) -> [String] {
        guard !pcrs.contains(4) else {
            return given.contains(4)
                ? []
                : [
                    "PCR 4 was read: it is of the program that the firmware has started this time. Where that was not Bulkhead, "
                        + "give Bulkhead's by --pcr 4=HEX"
                ]
        }
        let advice =
            "PCR 7 keeps nobody from starting another program that gets the secret; --pcrs 2,4,7,11 binds to this very program"
        guard isOwn, !given.contains(7), let content = try? Data(contentsOf: URL(filePath: variable)) else {
            return ["it is not known here whether Secure Boot is on; without it \(advice)"]
        }
        // Four bytes of attributes, then the value.
        return content.count == 5 && content.last == 1 ? [] : ["Secure Boot is off: \(advice)"]
    }
}
