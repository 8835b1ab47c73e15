import Foundation
import Machines
import Testing

@testable import TPM

/// A TPM in software that takes commands; it ends with the test.
final class StartedTPM {
    let software: SoftwareTPM
    var path: String { "swtpm:" + software.control.path }

    init(banks: String? = nil) throws { software = try SoftwareTPM(banks: banks, isStarted: true) }
    deinit { software.stop() }

    func connect() throws -> TPMConnection { try TPMConnection(path) }
}

extension TPMConnection {
    /// TPM2_PCR_Extend in one bank.
    func extend(_ pcr: UInt32, _ bank: PCRBank, by digest: [UInt8]) throws {
        try run(
            TPMCommand(.extendPCR, handles: [pcr], authorizations: [.emptyPassword]) {
                $0.put(UInt32(1))
                $0.put(bank.rawValue)
                $0.put(digest)
            })
    }
}

/// What goes to a TPM and comes back: swtpm's answers.
@Suite struct TPMConnectionTests {
    @Test func pcrsAreReadInEachBank() throws {
        let tpm = try StartedTPM(), connection = try tpm.connect()
        #expect(try connection.activeBanks() == PCRBank.allCases)
        try connection.extend(11, .sha384, by: [UInt8](repeating: 1, count: 48))
        let values = try connection.readPCRs(PCRSelection(.sha384, [7, 11, 17]))
        #expect(values.keys.sorted() == [7, 11, 17] && values[7] == [UInt8](repeating: 0, count: 48))
        #expect(values[17] == [UInt8](repeating: 0xFF, count: 48))
        #expect(values[11].map { Set($0).count > 8 } == true)
        let other = try connection.readPCRs(PCRSelection(.sha256, [11]))
        #expect(other == [11: [UInt8](repeating: 0, count: 32)])
    }

    @Test func onlyActiveBanksAreNamed() throws {
        let tpm = try StartedTPM(banks: "sha256"), connection = try tpm.connect()
        #expect(try connection.activeBanks() == [.sha256])
        #expect(throws: TPMError.self) { try connection.readPCRs(PCRSelection(.sha384, [7])) }
    }

    @Test func aRefusedCommandSaysSoAndTheNextIsDone() throws {
        let tpm = try StartedTPM(), connection = try tpm.connect()
        #expect(throws: TPMError.refused(.flushContext, TPMResponseCode(0x1CB))) {
            try connection.run(TPMCommand(.flushContext) { $0.put(0x8000_0000 as UInt32) })
        }
        #expect(try connection.activeBanks().count == 2)
    }

    /// A key that counts wrong passwords: its first use after TPM2_Shutdown writes NV memory, for which the TPM has the command sent again.
    @Test func aCommandThatIsAskedForAgainIsSentAgain() throws {
        let tpm = try StartedTPM(), connection = try tpm.connect()
        var template = TPMTemplate.storageKeyP256
        // Without noDA.
        template[6] &= ~0x04
        let key = try connection.createPrimary(template)
        try connection.persist(key, at: 0x8100_0002)
        let shutdown = try TPMCommand(.shutdown) { $0.put(0 as UInt16) }
        let create = try TPMCommand(.create, handles: [0x8100_0002], authorizations: [.emptyPassword]) {
            $0.put(sized: { $0.put([0, 0, 0, 1, 7] as [UInt8]) })
            $0.put(sized: TPMTemplate.sealed(policy: [UInt8](repeating: 1, count: 32)))
            $0.put(0 as UInt16)
            $0.put(0 as UInt32)
        }
        try connection.run(shutdown)
        #expect(try Array(connection.transmit(create.bytes, .create)[6..<10]) == [0, 0, 9, 0x22])
        try connection.run(shutdown)
        #expect(try !connection.run(create).bytes.isEmpty)
    }

    @Test func theStorageKeyIsTheSameEachTime() throws {
        let tpm = try StartedTPM(), connection = try tpm.connect()
        #expect(try connection.readPublic(0x8100_0001) == nil)
        var keys: [TPMPublic] = []
        for _ in 0..<4 {
            // Three transient slots: each one is freed.
            let handle = try connection.createPrimary(TPMTemplate.storageKeyP256)
            try connection.with(handle) { key throws(TPMError) in
                if let found = try connection.readPublic(key) { keys.append(found) }
            }
        }
        #expect(keys.count == 4 && Set(keys.map(\.name)).count == 1)
        #expect(keys[0].type == TPMTemplate.Algorithm.ecc && keys[0].attributes == 0x0003_0472)
        #expect(keys[0].name.count == 34)
    }

    @Test func oneProgramAtATime() throws {
        let tpm = try StartedTPM()
        do {
            let first = try tpm.connect()
            #expect(throws: TPMError.self) { try tpm.connect() }
            #expect(try first.activeBanks().count == 2)
        }
        #expect(try tpm.connect().activeBanks().count == 2)
    }

    @Test func whatIsNoTPMIsRefused() throws {
        for path in ["/dev/null-tpm", "swtpm:/nonexistent/socket", "swtpm:" + String(repeating: "x", count: 200)] {
            do {
                _ = try TPMConnection(path)
                Issue.record("\(path) is taken for a TPM")
            } catch {
                guard case .unreachable = error else { throw error }
            }
        }
        let file = FileManager.default.temporaryDirectory.appending(path: "no-tpm-\(UUID())")
        try Data().write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        #expect(throws: TPMError.notATPM(path: file.path)) { try TPMConnection(file.path) }
    }

    /// A device that takes all and says nothing, as a TPM does not.
    @Test func anAnswerThatDoesNotComeIsAnError() throws {
        let connection = try TPMConnection("/dev/null")
        #expect(throws: TPMError.self) { try connection.activeBanks() }
    }
}
