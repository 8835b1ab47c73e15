import Attestation
import Foundation
import Machines
import SignedImages
import TPM

/// A TPM in software into which a machine's boot is measured, with the log that its firmware would have written.
final class MeasuringTPM {
    private let software: SoftwareTPM
    private(set) var log: [UInt8]
    var path: String { "swtpm:" + software.control.path }

    init() throws {
        software = try SoftwareTPM(isStarted: true)
        log = Self.emptyLog
    }

    /// Its first event: the banks of SHA-256 and SHA-384.
    static let emptyLog: [UInt8] = {
        let data =
            Array("Spec ID Event03\0".utf8) + [0, 0, 0, 0, 0, 2, 0, 2] + word(2) + [11, 0, 32, 0, 12, 0, 48, 0, 0]
        return word(0) + word(3) + [UInt8](repeating: 0, count: 20) + word(data.count) + data
    }()
    deinit { software.stop() }

    private var connection: TPMConnection?

    /// The one connection that there is, until `release`.
    func connect() throws -> TPMConnection {
        // An swtpm to which a busy machine gives no time counts as connected to another program.
        for _ in 1..<10 where connection == nil { connection = try? TPMConnection(path) }
        let found = try connection ?? TPMConnection(path)
        connection = found
        return found
    }

    /// Another program can connect.
    func release() { connection = nil }

    /// The machine loses its power and gets it again: PCRs begin anew, and so does the log; keys stay.
    func restart() throws {
        try connect().run(TPMCommand(.shutdown) { $0.put(0 as UInt16) })
        release()
        try Tool.run("swtpm_ioctl", ["--unix", software.control.path, "-i"])
        // TPM2_Startup(TPM_SU_CLEAR), which firmware sends.
        let reply = try connect().transmit([0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x44, 0, 0], .shutdown)
        guard reply.suffix(4) == [0, 0, 0, 0] else { throw MachineError.impossible("TPM2_Startup: \(reply)") }
        log = Self.emptyLog
    }

    /// TPM2_PCR_Extend, in the banks of the digests.
    func extend(_ pcr: UInt32, _ digests: [PCRBank: [UInt8]]) throws {
        try connect().run(
            TPMCommand(.extendPCR, handles: [pcr], authorizations: [.emptyPassword]) { writer in
                writer.put(UInt32(digests.count))
                for (bank, digest) in digests {
                    writer.put(bank.rawValue)
                    writer.put(digest)
                }
            })
    }

    /// Measures an event, and logs it.
    func measure(_ event: LoggedEvent) throws {
        try extend(event.pcr, event.digests)
        log += Self.encode(event)
    }

    static func encode(_ event: LoggedEvent) -> [UInt8] {
        let digests = event.digests.sorted { $0.key.rawValue < $1.key.rawValue }
        return word(Int(event.pcr)) + word(Int(event.type)) + word(digests.count)
            + digests.flatMap { [UInt8($0.key.rawValue), 0] + $0.value } + word(event.data.count) + event.data
    }

    private static func word(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
}

extension LoggedEvent {
    init(pcr: UInt32, type: UInt32, of content: [UInt8], data: [UInt8]? = nil) {
        let digests = Dictionary(uniqueKeysWithValues: PCRBank.allCases.map { ($0, $0.digest(content)) })
        self.init(pcr: pcr, type: type, digests: digests, data: data ?? content)
    }

    /// As the hypervisor has it measured.
    init(_ event: ExpectedMeasurements.Event, number: UInt32) {
        let name = Array(event.name.utf8)
        let digests: [PCRBank: [UInt8]] = [.sha256: bytes(event.sha256), .sha384: bytes(event.sha384)]
        let head = [number, UInt32(name.count)].flatMap { word in
            (0..<4).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) }
        }
        self.init(pcr: UInt32(event.pcr), type: LoggedEvent.tag, digests: digests, data: head + name)
    }
}

/// Of hexadecimal digits.
func bytes(_ digits: String) -> [UInt8] {
    let values = digits.compactMap(\.hexDigitValue)
    return stride(from: 0, to: values.count - 1, by: 2).map { UInt8(values[$0] << 4 | values[$0 + 1]) }
}
