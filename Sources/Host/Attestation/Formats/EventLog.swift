import TPM

/// One event of a firmware's log: TCG_PCR_EVENT2 (TCG PC Client Platform Firmware Profile 1.05, section 10.2.2).
public struct LoggedEvent: Equatable, Sendable {
    /// 0 to 23; of an event that extends none, any number.
    public var pcr: UInt32
    public var type: UInt32
    /// Of the banks that are read. What it extends each PCR by.
    public var digests: [PCRBank: [UInt8]]
    /// What the firmware says of it. A digest may cover something else, and then nothing vouches for this.
    public var data: [UInt8]

    /// EV_NO_ACTION: it extends nothing.
    public static let noAction: UInt32 = 3
    public static let separator: UInt32 = 4
    public static let tag: UInt32 = 6
    public static let variable: UInt32 = 0x8000_0001
    public static let application: UInt32 = 0x8000_0003

    public init(pcr: UInt32, type: UInt32, digests: [PCRBank: [UInt8]], data: [UInt8]) {
        (self.pcr, self.type, self.digests, self.data) = (pcr, type, digests, data)
    }
}

/// A firmware's log of what it has measured, crypto-agile (TCG PC Client Platform Firmware Profile 1.05, section 10), as Linux
/// shows it: with the events behind it that were added after it was handed out. The banks of SHA-256 and SHA-384 are read, others passed over.
public struct EventLog: Equatable, Sendable {
    public private(set) var events: [LoggedEvent] = []
    /// Of the banks that are read, those that the log has.
    public private(set) var banks: Set<PCRBank> = []

    /// The most bytes that are read of one.
    public static let mostBytes = 1 << 20
    private static let signature = Array("Spec ID Event03\0".utf8)
    private static let localityMark = Array("StartupLocality\0".utf8)

    /// - Throws: `EvidenceError` for what is no such log, or is longer than `mostBytes`.
    public init(_ bytes: [UInt8]) throws(EvidenceError) {
        guard bytes.count <= Self.mostBytes else {
            throw EvidenceError(.log, at: Self.mostBytes, "it is longer than \(Self.mostBytes) bytes")
        }
        var cursor = FieldCursor(bytes, of: .log)
        let sizes = try Self.header(&cursor)
        banks = Set(PCRBank.allCases.filter { sizes[$0.rawValue] != nil })
        while cursor.remaining > 0 { events.append(try Self.event(&cursor, sizes)) }
    }

    /// The first event, in the old form: which algorithms the others have, and the sizes of their digests.
    private static func header(_ cursor: inout FieldCursor) throws(EvidenceError) -> [UInt16: Int] {
        let pcr = try cursor.little(UInt32.self), type = try cursor.little(UInt32.self)
        _ = try cursor.take(20)
        let size = Int(try cursor.little(UInt32.self)), start = cursor.offset
        guard pcr == 0, type == LoggedEvent.noAction, try cursor.take(16) == signature else {
            throw cursor.failure("its first event is not \"Spec ID Event03\": it is no crypto-agile log")
        }
        _ = try cursor.take(8)
        let count = try cursor.little(UInt32.self)
        guard (1...16).contains(count) else { throw cursor.failure("\(count) algorithms") }
        var sizes: [UInt16: Int] = [:]
        for _ in 0..<count {
            let algorithm = try cursor.little(UInt16.self), bytes = Int(try cursor.little(UInt16.self))
            guard sizes[algorithm] == nil, (1...64).contains(bytes),
                PCRBank(rawValue: algorithm).map({ $0.bytes == bytes }) != false
            else { throw cursor.failure("algorithm \(algorithm) occurs twice, or has not \(bytes) bytes") }
            sizes[algorithm] = bytes
        }
        _ = try cursor.take(Int(cursor.little(UInt8.self)))
        guard cursor.offset - start == size else { throw cursor.failure("its first event has not \(size) bytes") }
        return sizes
    }

    private static func event(
        _ cursor: inout FieldCursor, _ sizes: [UInt16: Int]
    ) throws(EvidenceError) -> LoggedEvent {
        let pcr = try cursor.little(UInt32.self), type = try cursor.little(UInt32.self)
        guard pcr < 24 || type == LoggedEvent.noAction else { throw cursor.failure("an event on PCR \(pcr)") }
        let count = try cursor.little(UInt32.self)
        guard (1...16).contains(count) else { throw cursor.failure("an event with \(count) digests") }
        var digests: [PCRBank: [UInt8]] = [:], algorithms: Set<UInt16> = []
        for _ in 0..<count {
            let algorithm = try cursor.little(UInt16.self)
            guard let size = sizes[algorithm], algorithms.insert(algorithm).inserted else {
                throw cursor.failure("a digest of algorithm \(algorithm), which the log does not have, or a second one")
            }
            let digest = try cursor.take(size)
            if let bank = PCRBank(rawValue: algorithm) { digests[bank] = digest }
        }
        let size = try cursor.little(UInt32.self)
        return LoggedEvent(pcr: pcr, type: type, digests: digests, data: try cursor.take(Int(size)))
    }

    /// What a bank's PCRs hold after all events: 24 values. PCRs 17 to 22 begin with ones (PC Client Platform TPM Profile 1.05, section
    /// 4.6.2), PCR 0 with the locality from which the TPM was started.
    public func replay(_ bank: PCRBank) -> [[UInt8]] {
        var values = (0..<24).map { [UInt8](repeating: (17...22).contains($0) ? 0xFF : 0, count: bank.bytes) }
        for event in events {
            if event.type == LoggedEvent.noAction {
                let isLocality = event.data.count == 17 && Array(event.data.prefix(16)) == Self.localityMark
                if isLocality, event.pcr == 0 { values[0][bank.bytes - 1] = event.data[16] }
            } else if let digest = event.digests[bank] {
                values[Int(event.pcr)] = bank.digest(values[Int(event.pcr)] + digest)
            }
        }
        return values
    }
}
