/// What a TPM says of a command (TPM 2.0 Library, Part 2, section 6.6): zero, or why it was not done.
public struct TPMResponseCode: Equatable, Sendable, CustomStringConvertible {
    public let value: UInt32

    public init(_ value: UInt32) { self.value = value }

    public static let success = Self(0)

    /// Of a code in format one (bit 7): the error without the part that it is about. Else the code itself.
    public var error: UInt32 { value & 0x80 != 0 && value < 0x1000 ? value & 0xBF : value }

    /// The part of the command that the error is about, where the code says one (Part 2, section 6.6.2).
    var part: String? {
        guard value & 0x80 != 0, value < 0x1000 else { return nil }
        let number = value >> 8 & 15
        return switch (value & 0x40 != 0, number) {
        case (_, 0): nil
        case (true, _): "parameter \(number)"
        case (false, 1...7): "handle \(number)"
        default: "session \(number & 7)"
        }
    }

    /// The TPM asks for the same command once more: YIELDED, TESTING, NV_RATE, RETRY.
    var isTemporary: Bool { [0x908, 0x90A, 0x920, 0x922].contains(value) }

    public var hexadecimal: String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 3 - digits.count)) + digits + "h"
    }

    public var description: String {
        let words = Self.meanings[error] ?? (value >> 16 == 11 ? "the system's resource manager refused it" : nil)
        return "response code \(hexadecimal)" + (part.map { ", \($0)" } ?? "") + (words.map { ", \($0)" } ?? "")
    }

    /// What the usual ones mean.
    private static let meanings: [UInt32: String] = [
        0x82: "attributes that do not go together",
        0x83: "a hash algorithm that it does not have",
        0x84: "a value that is out of bounds or not the expected one",
        0x85: "the hierarchy is disabled",
        0x8A: "an object of the wrong type",
        0x8B: "there is nothing at this handle",
        0x8E: "the password or HMAC is wrong",
        0x95: "a part has the wrong size",
        0x9D: "the policy is not met",
        0x9F: "the object is not of this key, or was changed",
        0xA2: "the password is wrong",
        0xA6: "an elliptic curve that it does not have",
        0x100: "it was not started",
        0x101: "it has failed, and does nothing until it is reset",
        0x120: "the command is disabled",
        0x126: "a comparison of the policy failed",
        0x128: "a PCR has changed since the policy was checked",
        0x143: "it does not have this command",
        0x146: "beyond the NV index",
        0x149: "the NV index does not permit that",
        0x14A: "the NV index was never written",
        0x14B: "there is no room left in its NV memory",
        0x14C: "the NV index or persistent handle is there already",
        0x902: "it has no slot left for an object",
        0x903: "it has no slot left for a session",
        0x905: "it has no handle left for a session",
        0x908: "it was interrupted",
        0x90A: "it still tests itself",
        0x920: "its NV memory is written too often",
        0x921: "it is locked after wrong passwords",
        0x922: "it was busy",
        0x923: "its NV memory cannot be written now",
    ]

    /// What to do about it: a sentence without its full stop.
    func advice(for command: TPMCommandCode) -> String {
        switch (error, command) {
        case (0x84, .policyPCR), (0x9D, .unseal), (0x128, _):
            "A PCR does not hold what the secret is sealed to: another program, key or Secure Boot state was started. Seal it again "
                + "for the present one if that is meant"
        case (0x9F, .load), (0x8B, .load):
            "The secret was sealed by another TPM, or this one has been cleared since. Seal it again"
        case (0x8E, _), (0xA2, _):
            "The owner's password is not empty; set an empty one (`tpm2_changeauth -c owner -p OLD`) for as long as this takes"
        case (0x85, _), (0x120, _): "Turn the TPM's owner hierarchy on in the firmware's set-up"
        case (0x902, _), (0x903, _), (0x905, _):
            "Use the device /dev/tpmrm0, or flush what other programs have left (`tpm2_flushcontext -t`, `-l`, `-s`)"
        case (0x14B, _): "Remove an NV index or persistent object that is not needed any more"
        case (0x908, _), (0x90A, _), (0x920, _), (0x922, _), (0x923, _): "Try again in a minute"
        case (0x921, _): "Wait, or clear the lock (`tpm2_dictionarylockout -c`)"
        case (0x100, _), (0x101, _): "Restart the machine"
        default: "The TPM may lack what this needs: TPM 2.0 with ECC P-256 and SHA-256"
        }
    }
}
