import TPM

/// What a log says of Secure Boot: the variable of this name, which is the first that firmware measures into PCR 7 (TCG PC Client
/// Platform Firmware Profile 1.05, section 3.3.4.8). Its digest is that of the event's data, unlike others'.
enum SecureBootState: Equatable {
    case on, off
    /// PCR 7 begins with something else.
    case notLogged
    /// The event's data are not what its digest is of, or say nothing that can be.
    case forged

    /// EFI_GLOBAL_VARIABLE, then the lengths of a name of 10 characters and of a value of one byte.
    private static let head: [UInt8] =
        [0x61, 0xDF, 0xE4, 0x8B, 0xCA, 0x93, 0xD2, 0x11, 0xAA, 0x0D, 0x00, 0xE0, 0x98, 0x03, 0x2B, 0x8C]
        + [10, 0, 0, 0, 0, 0, 0, 0] + [1, 0, 0, 0, 0, 0, 0, 0] + "SecureBoot".utf8.flatMap { [$0, 0] }

    /// The TPM vouches for digests and their order alone: types, and so separators, are what the machine says they are. What any
    /// program can have extended comes behind the first.
    /// - Parameter banks: those whose replay is what the TPM quoted.
    init(_ log: EventLog, _ banks: [PCRBank]) {
        let first = log.events.first { $0.pcr == 7 && $0.type != LoggedEvent.noAction }
        guard let first, first.data.starts(with: Self.head) else {
            self = .notLogged
            return
        }
        guard !banks.isEmpty, banks.allSatisfy({ first.digests[$0] == $0.digest(first.data) }) else {
            self = .forged
            return
        }
        switch first.data.dropFirst(Self.head.count) {
        case [1]: self = .on
        case [0]: self = .off
        default: self = .forged
        }
    }

    /// As a firmware logs it.
    static func data(isOn: Bool) -> [UInt8] { head + [isOn ? 1 : 0] }
}
