import Manifest
import Silicon
import Text
import Trust

/// Measures what decides over this boot into the TPM, before it is used, and says what its trust lacks. The firmware does it
/// (TCG EFI Protocol Specification 1.0): it hashes for every bank and writes the log.
struct MeasuredBoot {
    private(set) var anchors = TrustAnchors()
    let tpm: Pointer<EFI_TCG2_PROTOCOL>?
    /// The security version below which the TPM's counter admits none; it says so before it may refuse to measure something.
    private(set) var countedVersion: UInt64 = 0

    init(_ firmware: borrowing Firmware) {
        tpm = Self.find(firmware)
        if tpm != nil { anchors.insert(.tpm) } else { BootLog.print(LogLine("bulkhead: no TPM: nothing is measured")) }
        if tpm != nil { countedVersion = readCounter() }
        if firmware.isSecure {
            anchors.insert(.secureBoot)
        } else {
            BootLog.print(LogLine("bulkhead: Secure Boot is off: who writes to the boot volume replaces this program"))
        }
        if let key = OwnerKey.bytes {
            anchors.insert(.ownerKey)
            measure(.ownerKey, "manifest-key.pub", LoadedFile(address: key.address, size: key.size))
        } else {
            BootLog.print(LogLine("bulkhead: no owner's key: this program starts any manifest"))
            measure(.noOwnerKey, "no owner's key")
        }
        measure(.version, ImagePath(stringLiteral: Version.text))
    }

    /// Extends the object's PCR, in each bank, by the digest of a file, or of its name. A TPM that refuses one counts as none.
    mutating func measure(_ object: MeasuredObject, _ name: ImagePath, _ file: LoadedFile? = nil) {
        guard anchors.contains(.tpm), let tpm else { return }
        let status = Self.extend(tpm, object, name, file)
        guard status != 0 else { return }
        anchors = TrustAnchors(rawValue: anchors.rawValue & ~TrustAnchors.tpm.rawValue)
        var line = LogLine("bulkhead: the TPM counts as none, status %x: it refused to measure ", status)
        line.write(name)
        BootLog.print(line)
    }

    /// Before the firmware goes on to another program, which PCR 11 must not take for this one.
    static func close(_ firmware: borrowing Firmware) {
        if let tpm = find(firmware) { _ = extend(tpm, .refused, "refused", nil) }
    }

    /// The TPM, if one is there and an active bank (section 6.4, bits 1 and 2) is of SHA-256 or SHA-384.
    private static func find(_ firmware: borrowing Firmware) -> Pointer<EFI_TCG2_PROTOCOL>? {
        guard let tpm: Pointer<EFI_TCG2_PROTOCOL> = try? firmware.locate(.tcg2) else { return nil }
        // Its size; TPMPresentFlag is byte 16, ActivePcrBanks double word 8.
        var capability: [5 of UInt64] = [36, 0, 0, 0, 0]
        let status = withAddress(of: &capability) { efi_call(tpm.value.GetCapability, tpm.address, $0, 0, 0, 0) }
        return status == 0 && capability[2] & 0xFF != 0 && capability[4] & 0b110 != 0 ? tpm : nil
    }

    private static func extend(
        _ tpm: Pointer<EFI_TCG2_PROTOCOL>, _ object: MeasuredObject, _ name: ImagePath, _ file: LoadedFile?
    ) -> UInt64 {
        // Packed: EFI_TCG2_EVENT (section 6.6), and in it a tagged event (TCG PC Client Platform Firmware Profile 1.05, section 10.4.2.1).
        var event: [16 of UInt64] = .init(repeating: 0)
        let length = UInt32(name.count)
        return withAddress(of: &event) { at in
            store(26 + length, at)
            store(14 as UInt32, at + 4)
            store(1 as UInt16, at + 8)
            store(object.pcr, at + 10)
            store(6 as UInt32, at + 14)  // EV_EVENT_TAG
            store(object.rawValue, at + 18)
            store(length, at + 22)
            for i in 0..<name.count { store(name.bytes[i], at + 26 + UInt64(i)) }
            let data = file ?? LoadedFile(address: at + 26, size: UInt64(length))
            return efi_call(tpm.value.HashLogExtendEvent, tpm.address, 0, data.address, data.size, at)
        }
    }
}

extension Firmware {
    /// Whether Secure Boot decides what is started, by somebody's keys (UEFI 2.10, section 3.3).
    fileprivate var isSecure: Bool { flag("SecureBoot") == 1 && flag("SetupMode") == 0 }

    /// Has the firmware clear memory before it starts anything after a reset; where it cannot, that is said (TCG PC Client Platform Reset Attack
    /// Mitigation Specification 1.10, section 5).
    borrowing func overwriteMemoryAtReset() {
        var name = Self.words("MemoryOverwriteRequestControl"), id = EFI_GUID.memoryOverwrite, one: UInt64 = 1
        let set = Pointer<EFI_RUNTIME_SERVICES>(at: system.value.RuntimeServices).value.SetVariable
        // Not volatile, for boot and run time.
        let status = withAddress(of: &name) { name in
            withAddress(of: &id) { id in withAddress(of: &one) { efi_call(set, name, id, 7, 1, $0) } }
        }
        if status != 0 {
            BootLog.print(LogLine("bulkhead: the firmware does not clear memory at a reset: a secret stays in it"))
        }
    }

    private static func words(_ name: StaticString) -> [32 of UInt16] {
        var words: [32 of UInt16] = .init(repeating: 0)
        for i in 0..<name.utf8CodeUnitCount { unsafe words[i] = UInt16(name.utf8Start[i]) }
        return words
    }

    /// A global variable of one byte; nil where there is none.
    private borrowing func flag(_ name: StaticString) -> UInt64? {
        var words = Self.words(name), id = EFI_GUID.globalVariable
        var value: [2 of UInt64] = [1, 0]  // the room for it, and itself
        let get = Pointer<EFI_RUNTIME_SERVICES>(at: system.value.RuntimeServices).value.GetVariable
        let status = withAddress(of: &words) { words in
            withAddress(of: &id) { id in withAddress(of: &value) { efi_call(get, words, id, 0, $0, $0 + 8) } }
        }
        return status == 0 ? value[1] : nil
    }
}

extension EFI_GUID {
    static let tcg2 = EFI_GUID(low: 0x42BE_7455_607F_766C, high: 0x0F72_B26D_D7E4_0B93)
    fileprivate static let memoryOverwrite = EFI_GUID(low: 0x41BE_32D4_E209_39BE, high: 0x2998_D485_7F89_50A1)
    fileprivate static let globalVariable = EFI_GUID(low: 0x11D2_93CA_8BE4_DF61, high: 0x8C2B_0398_E000_0DAA)
}
