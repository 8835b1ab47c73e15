import Foundation
import Machines
import TPM
import Testing

@testable import Attestation

@Suite struct AttestationKeyTests {
    @Test func theKeyStays() throws {
        let tpm = try MeasuringTPM()
        let first = try tpm.connect().attestationKey(), second = try tpm.connect().attestationKey()
        #expect(first == second && first.isForAttestation && first.key.curve == .p256)
        #expect(AttestationKey(pem: first.key.pem) == first.key)
        #expect(first.ueid.count == 33 && first.ueid[0] == 1)
        // Three slots for objects are free again.
        for _ in 0..<4 { _ = try tpm.connect().attestationKey() }
    }

    /// As OpenSSL writes and reads it, on both curves.
    @Test func thePEMIsOpenSSLs() throws {
        try PrivateFolder.with { folder in
            for curve in ["P-256", "P-384"] {
                let secret = folder.appending(path: "secret").path, file = folder.appending(path: "key").path
                try Tool.run(
                    "openssl",
                    ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:\(curve)", "-out", secret])
                try Tool.run("openssl", ["pkey", "-in", secret, "-pubout", "-out", file])
                let pem = try String(contentsOfFile: file, encoding: .utf8)
                let key = try #require(AttestationKey(pem: pem))
                #expect(key.pem == pem && key.curve == (curve == "P-256" ? .p256 : .p384))
                // What it signs, and what somebody else has changed.
                let message = folder.appending(path: "message")
                try Data("message".utf8).write(to: message)
                let signed = folder.appending(path: "signed").path
                try Tool.run(
                    "openssl", ["dgst", "-\(key.curve.hash.name)", "-sign", secret, "-out", signed, message.path])
                let der = [UInt8](try Data(contentsOf: URL(filePath: signed)))
                let r = Array(der[4..<4 + Int(der[3])]), s = Array(der.dropFirst(6 + Int(der[3])))
                func area(_ r: [UInt8]) -> [UInt8] {
                    [0, 0x18, 0, UInt8(key.curve.hash.rawValue)]
                        + [r, s].flatMap { number in
                            let digits = Array(number.drop { $0 == 0 })
                            return [0, UInt8(digits.count)] + digits
                        }
                }
                let signature = try QuoteSignature(area(r))
                #expect(signature.der == der)
                #expect(try key.hasSigned(Array("message".utf8), signature))
                #expect(try !key.hasSigned(Array("massage".utf8), signature))
                #expect(try !key.hasSigned(Array("message".utf8), QuoteSignature(area([1]))))
                #expect(try !key.hasSigned(Array("message".utf8), QuoteSignature(area([]))))
            }
        }
    }

    @Test func whatIsNoKey() throws {
        let tpm = try MeasuringTPM(), key = try tpm.connect().attestationKey().key
        let lines = key.pem.split(separator: "\n").map(String.init)
        for bad in [
            "", lines[1], lines.dropLast().joined(separator: "\n"), key.pem.replacing("PUBLIC", with: "PRIVATE"),
        ] {
            #expect(AttestationKey(pem: bad) == nil)
        }
        // No point of the curve: that is said, and not taken for another's signature.
        var point = key.point
        point[3] ^= 1
        let signature = try QuoteSignature([0, 0x18, 0, 0x0B, 0, 1, 1, 0, 1, 1])
        #expect(throws: MachineError.self) { try AttestationKey(.p256, point: point).hasSigned([1], signature) }
    }
}
