import ArgumentParser
import Attestation
import Foundation
import Keys
import Machines

/// A nonce on the command line.
struct NonceArgument: ExpressibleByArgument {
    let bytes: [UInt8]

    init?(argument: String) {
        let digits = argument.compactMap(\.hexDigitValue)
        guard digits.count == argument.utf8.count, digits.count % 2 == 0,
            Evidence.nonceBytes.contains(digits.count / 2)
        else { return nil }
        bytes = stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}

/// Files that attestation reads.
enum EvidenceFile {
    /// A file's content.
    /// - Throws: `MachineError` for one with more than `limit` bytes, or Foundation's error where it cannot be read.
    static func read(_ path: String, atMost limit: Int) throws -> [UInt8] {
        let handle = try FileHandle(forReadingFrom: URL(filePath: path))
        defer { try? handle.close() }
        var content: [UInt8] = []
        // A file of the kernel's has no size, and comes in pieces.
        while let more = try handle.read(upToCount: limit + 1 - content.count), !more.isEmpty { content += more }
        guard content.count <= limit else { throw MachineError.tooLong(path, limit) }
        return content
    }

    static func evidence(_ path: String) throws -> Evidence {
        do { return try Evidence(read(path, atMost: Evidence.mostBytes)) } catch let error as EvidenceError {
            throw MachineError.impossible("\(path): \(error)")
        }
    }

    static func key(_ path: String) throws -> AttestationKey {
        let text = String(decoding: try read(path, atMost: AttestationKey.mostBytes), as: UTF8.self)
        guard let key = AttestationKey(pem: text) else {
            throw MachineError.impossible(
                "\(path) has no public key on P-256 or P-384 in PEM; `bulkhead attest --enroll` writes one")
        }
        return key
    }
}
