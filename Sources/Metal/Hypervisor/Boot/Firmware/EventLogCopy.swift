import Silicon

/// The firmware's log of what was measured, in pages of its own, for the partition that has the TPM (TCG EFI Protocol Specification
/// 1.0, sections 6.5 and 7).
struct EventLogCopy {
    /// Bytes that it may have; a longer one is left out as a whole.
    static let limit: UInt64 = 0x10000
    private(set) var file = LoadedFile()
    /// The final events table, where its next event will be, and how many it has before: those are in the log too.
    private var table: UInt64 = 0, next: UInt64 = 0, count: UInt64 = 0

    /// Copies the log. Of what is measured later, `append` copies what the final events table gets: nothing else has all of it.
    mutating func read(_ firmware: borrowing Firmware) throws(Refusal) {
        let tpm: Pointer<EFI_TCG2_PROTOCOL> = try firmware.locate(.tcg2)
        // Where it is, its last event, and whether it was cut; 2 is the format of every event but the first.
        var log: [3 of UInt64] = [0, 0, 0]
        let status = withAddress(of: &log) { efi_call(tpm.value.GetEventLog, tpm.address, 2, $0, $0 + 8, $0 + 16) }
        table = firmware.configurationTable(.finalEvents) ?? 0
        let isWhole = status == 0 && log[2] & 0xFF == 0 && log[1] > log[0] && table != 0
        file.address = try firmware.allocate(Self.limit, .anywhere, for: "memory for the event log")
        unsafe cpu_zero(UnsafeMutableRawPointer(bitPattern: UInt(file.address)), Self.limit)
        next = table + 16
        append(log[0], to: isWhole ? Self.end(of: log[1]) : .max)
        _ = skip()
    }

    /// Copies what the firmware has measured since, as it does when it is left.
    mutating func append() { append(skip(), to: next) }

    /// Goes behind the events that the final events table has by now. Gives where it was.
    private mutating func skip() -> UInt64 {
        let first = next
        while table != 0, next != .max, count < load(table + 8, as: UInt64.self) {
            (next, count) = (Self.end(of: next), count + 1)
        }
        return first
    }

    private mutating func append(_ start: UInt64, to end: UInt64) {
        guard end &- start <= Self.limit - file.size else {
            (file.size, table, next) = (0, 0, 0)
            return BootLog.print(LogLine("bulkhead: no guest has the event log: cut, or over %d bytes", Self.limit))
        }
        copy(bytes(start, end - start), to: file.address + file.size)
        file.size += end - start
    }

    /// Where an event ends (TCG PC Client Platform Firmware Profile 1.05, section 10.2.2). Its digests are as long as their algorithms
    /// say: those that the protocol knows (section 6.4) are SHA-1, SHA-256, SHA-384, SHA-512 and SM3.
    private static func end(of event: UInt64) -> UInt64 {
        var at = event + 12
        let count: UInt32 = load(event + 8)
        // Of others nobody knows how long they are.
        guard count <= 5 else { return .max }
        for _ in 0..<count {
            switch load(at, as: UInt16.self) {
            case 0x4: at += 22
            case 0xB, 0x12: at += 34
            case 0xC: at += 50
            case 0xD: at += 66
            default: return .max
            }
        }
        return at + 4 + UInt64(load(at, as: UInt32.self))
    }
}
