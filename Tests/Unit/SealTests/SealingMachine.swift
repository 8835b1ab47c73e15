import Foundation
import Machines
import TPM

@testable import Seal

/// A machine's TPM (swtpm) whose PCR 2, 4, 7 and 11 are as its firmware and hypervisor have made them; it ends with the test.
final class SealingMachine {
    let software: SoftwareTPM
    private(set) var connection: TPMConnection?
    var tpm: TPMConnection {
        guard let connection else { preconditionFailure("another program is connected") }
        return connection
    }
    /// For the tool's option.
    var path: String { "swtpm:" + software.control.path }
    /// An owner's public key.
    let ownerKey: [UInt8] = [0, 0, 0, 1] + (0..<48)

    /// - Parameter banks: as swtpm_setup names them; nil: all that it has.
    /// - Parameter measured: in which banks the firmware measures; nil: in all.
    init(banks: String? = nil, measured: [PCRBank]? = nil) throws {
        software = try SoftwareTPM(banks: banks, isStarted: true)
        try connect()
        for bank in try tpm.activeBanks() {
            for pcr: UInt32 in [2, 4, 7] where measured?.contains(bank) != false {
                try extend(pcr, bank, by: bank.digest(Array("PCR \(pcr)".utf8)))
            }
            try extend(11, bank, by: bank.digest(ownerKey))
        }
    }

    deinit { software.stop() }

    func connect() throws { connection = try TPMConnection(path) }
    /// Lets another program connect.
    func disconnect() { connection = nil }

    func extend(_ pcr: UInt32, _ bank: PCRBank, by digest: [UInt8]) throws {
        try tpm.run(
            TPMCommand(.extendPCR, handles: [pcr], authorizations: [.emptyPassword]) {
                $0.put(UInt32(1))
                $0.put(bank.rawValue)
                $0.put(digest)
            })
    }

    /// TPM2_Clear, as firmware's set-up does it: TPM_RH_LOCKOUT has an empty password.
    func clear() throws {
        try tpm.run(TPMCommand(.clear, handles: [0x4000_000A], authorizations: [.emptyPassword]))
    }

    /// TPM2_NV_UndefineSpace of the counter, by the owner's empty password: who has the TPM can.
    func removeCounter() throws {
        try tpm.run(
            TPMCommand(
                .undefineSpace, handles: [TPMConnection.owner, RollbackCounter.index],
                authorizations: [.emptyPassword]))
    }

    /// TPM2_NV_Write of an index that is no counter.
    func write(_ value: UInt64, to index: UInt32) throws {
        var head = TPMWriter(), rest = TPMWriter()
        rest.put(index)
        rest.put(index)
        for word: UInt32 in [9, 0x4000_0009] { rest.put(word) }
        rest.put([0, 0, 0, 0, 0])
        rest.put(sized: { $0.put(value) })
        rest.put(UInt16(0))
        head.put(0x8002 as UInt16)
        head.put(UInt32(10 + rest.bytes.count))
        head.put(0x137 as UInt32)
        head.put(rest.bytes)
        let response = try tpm.transmit(head.bytes, .readNV)
        guard response[6...9].allSatisfy({ $0 == 0 }) else { throw Refusal.write }
    }

    /// How many handles of a kind are in use (TPM_CAP_HANDLES).
    func handles(_ kind: UInt32) throws -> UInt32 {
        var reply = try tpm.run(
            TPMCommand(.getCapability) { for word in [1, kind, 64] { $0.put(word) } }
        ).parameters
        _ = try reply.bytes(5)
        return try reply.integer()
    }

    /// Sessions and transient objects that a program has left.
    func leftovers() throws -> UInt32 { try handles(0x0200_0000) + handles(0x8000_0000) }

    /// What root mode does with a list of commands.
    struct Run {
        var codes: [UInt32?] = []
        var secret: [UInt8]?
    }

    enum Refusal: Error { case commands, write }

    /// By bytes, without anything of the module that has written the list. A command whose handle an earlier one did not give is left out.
    func run(_ list: [UInt8]) throws -> Run {
        func word(_ bytes: [UInt8], _ place: Int) -> UInt32 {
            bytes[place..<place + 4].reduce(0) { $0 << 8 | UInt32($1) }
        }
        var rest = list[...], responses: [[UInt8]] = [], run = Run()
        guard list.count <= 4096 else { throw Refusal.commands }
        while !rest.isEmpty {
            guard rest.count >= 14, responses.count < 8 else { throw Refusal.commands }
            let size = Int(word(Array(rest.prefix(10)), 2))
            guard (14...rest.count).contains(size) else { throw Refusal.commands }
            var command = Array(rest.prefix(size)), isPossible = true
            rest = rest.dropFirst(size)
            guard let code = TPMCommandCode(rawValue: word(command, 6)),
                [.startAuthSession, .policyPCR, .policyNV, .load, .unseal, .flushContext, .readPublic].contains(code)
            else { throw Refusal.commands }
            for place in [.unseal, .policyNV].contains(code) ? [10, 18] : [10] where word(command, place) >= 0xFFFF_FF00
            {
                let index = Int(word(command, place) & 0xFF)
                guard index < responses.count else { throw Refusal.commands }
                if responses[index].count < 14 {
                    isPossible = false
                } else {
                    command.replaceSubrange(place..<place + 4, with: responses[index][10..<14])
                }
            }
            let response = isPossible ? try tpm.transmit(command, code) : []
            responses.append(response)
            run.codes.append(isPossible ? word(response, 6) : nil)
            if isPossible, code == .unseal, word(response, 6) == 0 {
                let count = Int(response[14]) << 8 | Int(response[15])
                run.secret = Array(response[16..<16 + count])
                // The last response is longer than this one.
            }
        }
        if let longest = responses.indices.max(by: { responses[$0].count < responses[$1].count }), run.secret != nil,
            longest != responses.count - 1
        {
            throw Refusal.commands
        }
        return run
    }
}
