import Foundation
import Machines
import TPM
import Testing

@testable import Attestation

/// Logs of firmware: OVMF's of a machine that has booted a signed volume (`firmware-log.bin`), and damaged ones.
@Suite struct EventLogTests {
    private static let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "firmware-log.bin")
    private let bytes: [UInt8]
    init() throws { bytes = [UInt8](try Data(contentsOf: Self.file)) }

    /// tpm2_eventlog computes PCRs from a log too.
    @Test func replayedAsByTPM2Tools() throws {
        let log = try EventLog(bytes)
        #expect(log.banks == [.sha256, .sha384] && log.events.count == 30)
        var bank: PCRBank?, compared = 0
        let output = try Tool.run("tpm2_eventlog", [Self.file.path])
        for line in output.split(separator: "\n").drop(while: { $0 != "pcrs:" }).dropFirst() {
            let parts = line.split(separator: ":").map { $0.trimmingCharacters(in: .whitespaces) }
            if parts.count == 1 {
                bank = PCRBank(name: parts[0])
            } else if let bank, let pcr = Int(parts[0]) {
                let value = log.replay(bank)[pcr].map { String(format: "%02x", $0) }.joined()
                #expect(parts[1] == "0x" + value, "PCR \(pcr) of \(bank.name)")
                compared += 1
            }
        }
        #expect(compared == 20)
        #expect(SecureBootState(log, PCRBank.allCases) == .off)
        let names = log.events.filter { $0.pcr > 10 }.map { MeasuredEvent($0).name }
        #expect(names.dropFirst(2) == ["manifest.cbor", "first.elf", "initrd", "second.elf"])
    }

    /// It ends between two events, or it is refused.
    @Test func cutOffAnywhere() throws {
        let log = try EventLog(bytes)
        var read = 0
        for count in 0..<bytes.count {
            guard let part = try? EventLog(Array(bytes.prefix(count))) else { continue }
            #expect(part.events == Array(log.events.prefix(read)))
            read += 1
        }
        #expect(read == log.events.count)
    }

    private func refused(_ change: (inout [UInt8]) -> Void) -> String {
        var other = bytes
        change(&other)
        do throws(EvidenceError) {
            _ = try EventLog(other)
            return ""
        } catch { return error.reason }
    }

    @Test func whatIsNoLog() {
        // Behind the header of 32 + 45 bytes comes the first event: PCR, type, count of digests, algorithm.
        let event = 77
        #expect(refused { $0[4] = 1 }.hasPrefix("its first event is not"))
        #expect(refused { $0[40] ^= 1 }.hasPrefix("its first event is not"))
        #expect(refused { $0[56] = 17 } == "17 algorithms")
        #expect(refused { $0[64] = 4 }.hasPrefix("algorithm 4 occurs twice"))
        #expect(refused { $0[66] = 31 }.contains("has not 31 bytes"))
        #expect(refused { $0[28] = 44 } == "its first event has not 44 bytes")
        #expect(refused { $0[event] = 24 } == "an event on PCR 24")
        #expect(refused { $0[event + 8] = 0 } == "an event with 0 digests")
        #expect(refused { $0[event + 12] = 0x12 }.hasPrefix("a digest of algorithm 18"))
        #expect(refused { $0[event + 34] = 4 }.hasPrefix("a digest of algorithm 4"))
        #expect(refused { $0[event + 12 + 20 + 32 + 48 + 64 + 8 + 3] = 0xFF }.hasSuffix("bytes too early"))
        #expect(refused { $0 += [UInt8](repeating: 0, count: EventLog.mostBytes) }.hasPrefix("it is longer than"))
    }

    /// TPM2_Startup from locality 3 (TCG PC Client Platform Firmware Profile 1.05, section 10.4.5.3).
    @Test func theLocalityOfTheStart() throws {
        let data = Array("StartupLocality\0".utf8) + [3]
        let mark = MeasuringTPM.encode(
            LoggedEvent(
                pcr: 0, type: LoggedEvent.noAction, digests: [.sha256: [UInt8](repeating: 0, count: 32)], data: data))
        let log = try EventLog(bytes[..<77] + mark)
        #expect(log.replay(.sha256)[0] == [UInt8](repeating: 0, count: 31) + [3])
        #expect(log.replay(.sha384)[17] == [UInt8](repeating: 0xFF, count: 48))
    }
}
