import TPM

/// What a log says of Secure Boot: the variable of this name that the firmware measures into PCR 7 before anything else there (TCG PC
/// Client Platform Firmware Profile 1.05, section 3.3.4.8). Its digest is that of the event's data, unlike others'.
enum SecureBootState: Equatable {
    case on, off
    /// No such event in front of the separator.
    case notLogged
    /// An event whose data are not what its digest is of, or a second one.
    case forged(String)

    /// EFI_GLOBAL_VARIABLE, then the lengths of a name of 10 characters and of a value of one byte.
    private static let head: [UInt8] =
        [0x61, 0xDF, 0xE4, 0x8B, 0xCA, 0x93, 0xD2, 0x11, 0xAA, 0x0D, 0x00, 0xE0, 0x98, 0x03, 0x2B, 0x8C]
        + [10, 0, 0, 0, 0, 0, 0, 0] + [1, 0, 0, 0, 0, 0, 0, 0] + "SecureBoot".utf8.flatMap { [$0, 0] }

    /// - Parameter banks: those whose replay is what the TPM quoted.
    init(_ log: EventLog, _ banks: [PCRBank]) {
        var found: [UInt8] = []
        // What comes behind the separator any program can have extended.
        for event in log.events where event.pcr == 7 {
            if event.type == LoggedEvent.separator { break }
            guard event.type == LoggedEvent.variable, event.data.starts(with: Self.head),
                event.data.count == Self.head.count + 1
            else { continue }
            guard banks.allSatisfy({ event.digests[$0] == $0.digest(event.data) }) else {
                self = .forged("the digest of its event is not that of what the event says")
                return
            }
            found.append(event.data[Self.head.count])
        }
        switch found {
        case []: self = .notLogged
        case [1]: self = .on
        case [0]: self = .off
        default: self = .forged("the log has it \(found.count) times, or with a value that it cannot have")
        }
    }

    /// As a firmware logs it.
    static func data(isOn: Bool) -> [UInt8] { head + [isOn ? 1 : 0] }
}
