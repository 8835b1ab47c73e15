import Foundation
import ManifestRules
import Records
import Reports
import X86

/// A crash record as people and programs read it.
public struct CrashReport: Encodable {
    struct Exit: Encodable {
        let code: String
        let reason: String
        let rip: String
    }
    struct Registers: Encodable {
        let values: [(name: String, value: String)]

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Name.self)
            for (name, value) in values { try container.encode(value, forKey: Name(name)) }
        }
        private struct Name: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }
            init(_ name: String) { stringValue = name }
            init?(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }
    }

    let kind: String
    let sequence: UInt64
    /// Nil for the boot code.
    let core: Int?
    let partition: String?
    let vcpu: Int?
    /// Unix seconds, 0 where the firmware had no clock.
    let time: Double
    let uptimeSeconds: Double
    let tsc: UInt64
    let manifestChecksum: String
    let vector: Int?
    let error: String?
    let address: String?
    /// Device faults: who, what it wanted, and the remapping unit's reason.
    let device: String?
    let access: String?
    let reason: Int?
    /// Guest states that the processor did not enter: the check that failed.
    let failedCheck: String?
    /// Of the vCPU whose core did not answer.
    let lostVCPU: Int?
    /// Of an attack on the guest's kernel: what it was, and eight bytes as they were and were to be.
    let attack: String?
    let before, after: String?
    let place: String?
    let function: String?
    let hypervisor: Registers?
    let guest: Registers?
    let exit: Exit?
    let exitAddress: String?
    let lastExits: [Exit]

    public init(_ record: CrashRecord, _ symbols: CrashSymbols?) {
        kind = record.kind.map { "\($0.name)" } ?? "of an unknown kind"
        sequence = record[.sequence]
        core = record.core
        vcpu = record.vcpu
        partition = record.partition.isEmpty ? nil : printable(record.partition.string)
        uptimeSeconds = Double(record[.uptime]) / 1e6
        time = record[.bootTime] == 0 ? 0 : Double(record[.bootTime]) + uptimeSeconds
        tsc = record[.tsc]
        manifestChecksum = Self.hex(record[.origin] & 0xFFFF_FFFF)
        let hasFrame = record.hasFrame, isDevice = record.kind == .deviceFault
        vector = hasFrame ? Int(record.vector) : nil
        error = hasFrame ? Self.hex(record[.error]) : nil
        device = isDevice ? Self.function(record.requester) : nil
        reason = isDevice ? Int(record[.error] >> 24 & 0xFF) : nil
        let isInterrupt = record[.error] >> 17 & 1 != 0, isWrite = record[.error] >> 16 & 1 != 0
        access = isDevice ? isInterrupt ? "interrupt" : isWrite ? "write" : "read" : nil
        address = isDevice ? Self.hex(record[.detail]) : hasFrame && record.vector == 14 ? Self.hex(record[.cr2]) : nil
        failedCheck = record.kind == .invalidState ? RecordedState(record).words : nil
        lostVCPU = record.kind == .coreLost ? Int(truncatingIfNeeded: record[.detail]) : nil
        let isVerdict = record.kind == .attack
        attack = isVerdict ? WatchAttack(code: UInt64(record.vector), address: record[.detail]).words : nil
        before = isVerdict ? Self.hex(record[.registers, 0]) : nil
        after = isVerdict ? Self.hex(record[.registers, 1]) : nil
        place = hasFrame ? "image+" + Self.hex(record[.imageOffset]) : nil
        let fingerprint = UInt32(record[.origin] >> 32)
        function = hasFrame ? symbols?.name(of: record[.imageOffset], fingerprint: fingerprint) : nil
        hypervisor = hasFrame ? Registers(hypervisor: record) : nil
        guest = record.hasGuest ? Registers(guest: record) : nil
        let endsByExit = record.hasGuest && !hasFrame && !isDevice
        exit = endsByExit ? Exit(record[.error], record[.guestRIP], record.vendor) : nil
        exitAddress = endsByExit ? Self.hex(record[.detail]) : nil
        lastExits = (0..<8).compactMap { index in
            let code = record[.exitCodes, index / 4] >> UInt64(index % 4 * 16) & 0xFFFF
            // VMEXIT_INVALID is -1 too; a place that was never used has no address either.
            return record.hasGuest && (code != 0xFFFF || record[.exitRIPs, index] != 0)
                ? Exit(code, record[.exitRIPs, index], record.vendor) : nil
        }
    }

    /// Bus, device and function as people write them.
    private static func function(_ id: UInt16) -> String {
        String(format: "%02x:%02x.%x", Int(id >> 8), Int(id >> 3 & 31), Int(id & 7))
    }

    static func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
}

extension CrashReport.Exit {
    init(_ code: UInt64, _ rip: UInt64, _ vendor: Vendor) {
        self.code = CrashReport.hex(code)
        self.rip = CrashReport.hex(rip)
        reason = CrashExitName.name(code, vendor)
    }
}

extension CrashReport.Registers {
    private static let general = [
        "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
    ]

    init(hypervisor record: CrashRecord) {
        let others: [(String, CrashField)] = [("rsp", .rsp), ("rflags", .rflags), ("cr2", .cr2), ("cr3", .cr3)]
        values =
            others.map { ($0, CrashReport.hex(record[$1])) }
            + Self.general.enumerated().map { ($1, CrashReport.hex(record[.registers, $0])) }
    }

    init(guest record: CrashRecord) {
        let others: [(String, CrashField)] = [
            ("rip", .guestRIP), ("rsp", .guestRSP), ("rflags", .guestRFLAGS), ("cr0", .guestCR0), ("cr3", .guestCR3),
            ("cr4", .guestCR4), ("efer", .guestEFER),
        ]
        values =
            [("cs", CrashReport.hex(UInt64(record.guestCS)))] + others.map { ($0, CrashReport.hex(record[$1])) }
            + (record.hasFrame ? [] : [("cr2", CrashReport.hex(record[.cr2]))])
            + Self.general.enumerated().map { ($1, CrashReport.hex(record[.guestRegisters, $0])) }
    }
}
