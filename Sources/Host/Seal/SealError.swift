/// Why a secret was not sealed, or a counter not changed: what, where, and what to do. No secret is in it.
public enum SealError: Error, Equatable, CustomStringConvertible {
    case secretSize(file: String)
    case keySize(file: String)
    case unreadable(file: String, reason: String)
    case exists(file: String)
    case unwritable(file: String, reason: String)
    /// No bank of SHA-256 or SHA-384, or not the one that was asked for.
    case noBank(asked: String?)
    case valueSize(pcr: Int, bank: String, bytes: Int)
    /// Firmware has not extended it; a bank in which it has.
    case unmeasured(pcr: Int, bank: String, better: String?)
    /// The PCRs do not bind the secret to what is started.
    case weak(reason: String)
    /// What lies at the storage key's handle is no storage key.
    case notAStorageKey(handle: UInt32)
    /// The TPM computes another policy.
    case policy
    /// A command list that root mode would not take.
    case commands(reason: String)
    case noCounter(index: UInt32)
    case notACounter(index: UInt32)
    case tooFar(value: UInt64, wanted: UInt64)

    public var description: String {
        switch self {
        case .secretSize(let file):
            "\(file) must have \(SealedSecret.leastBytes) to \(SealedSecret.mostBytes) bytes. A shorter one could be guessed by its digest, "
                + "which the manifest shows (`head -c 32 /dev/urandom` makes one); seal a key that opens the rest, not the rest itself"
        case .keySize(let file): "\(file) is no public key of `bulkhead keys`: it has 52 or 60 bytes"
        case .unreadable(let file, let reason): "\(file) cannot be read: \(reason)"
        case .exists(let file): "\(file) is there already, and was not touched; --force replaces it"
        case .unwritable(let file, let reason): "\(file) cannot be written: \(reason)"
        case .noBank(let asked):
            "the TPM has no active bank of PCRs with \(asked ?? "SHA-256 or SHA-384"). Turn it on in the firmware's set-up, or "
                + "name another by --bank"
        case .valueSize(let pcr, let bank, let bytes):
            "the value of PCR \(pcr) has \(bytes) hexadecimal digits in the bank \(bank)"
        case .unmeasured(let pcr, let bank, let better):
            "PCR \(pcr) of the bank \(bank) is as no measurement leaves it: firmware does not extend it, and any program could. "
                + (better.map { "Take --bank \($0), which firmware extends" }
                    ?? "No other active bank is better: turn measuring on in the firmware's set-up, or give the value by --pcr \(pcr)=HEX")
        case .weak(let reason): reason
        case .notAStorageKey(let handle):
            "what lies in the TPM at \(hexadecimal(handle)) is no storage key. Remove it (`tpm2_evictcontrol -c "
                + "0x\(String(handle, radix: 16))`) if nothing else needs it"
        case .policy:
            "the TPM computes another policy than this program. Nothing was written: report this as an error of Bulkhead"
        case .commands(let reason): "the list of commands would not be run: \(reason). Try again"
        case .noCounter(let index):
            "the TPM has no counter at \(hexadecimal(index)). `bulkhead counter --create` makes it"
        case .notACounter(let index):
            "what lies in the TPM's NV memory at \(hexadecimal(index)) is not this counter. Remove it (`tpm2_nvundefine "
                + "0x\(String(index, radix: 16))`) if nothing else needs it"
        case .tooFar(let value, let wanted):
            "the counter has \(value), and \(wanted) is more than \(RollbackCounter.mostIncrements) above it. Is the number right? A "
                + "counter never goes back. If it is, go there in several steps"
        }
    }
}

/// As in the TPM's documents: eight digits and an h.
func hexadecimal(_ number: UInt32) -> String {
    let digits = String(number, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, 8 - digits.count)) + digits + "h"
}
