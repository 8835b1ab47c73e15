import Foundation

/// What one line of an audit log says. Never what a console carried, nor what a client's XML says beyond its name.
public struct AuditRecord: Equatable, Sendable, Codable {
    public enum Kind: String, Sendable, Codable {
        /// The daemon has started, or ends in order.
        case started, ended
        /// What a loss of power has left behind the last record is cut off: `detail` has how much.
        case repaired
        case connected, disconnected
        /// A change that is allowed and about to be carried out.
        case call
        /// A call was answered.
        case answer
        /// What the machine told, and whether it is there.
        case event, machine
        /// The access policy that is used from here on: `detail` has its digest.
        case policy
    }

    public var kind: Kind
    /// A number of the connection's; on a socket of this machine, the user and the process at its other end, as the system tells them.
    public var client: Int?
    public var uid: UInt32?
    public var pid: Int32?
    /// Over TLS: the name of its certificate, and SHA-256 of that.
    public var certificate: String?
    /// libvirt's name of the procedure.
    public var call: String?
    public var domain: String?
    public var partition: String?
    /// `ok`, or the error's name.
    public var result: String?
    public var detail: String?

    public init(_ kind: Kind) { self.kind = kind }
}

/// A place in the chain: a record's number, from 1 on, and the digest of its line.
public struct AuditHead: Equatable, Sendable, Codable, CustomStringConvertible {
    public var number: UInt64
    /// SHA-256 of the line without its end, in hexadecimal digits.
    public var digest: String

    public init(number: UInt64, digest: String) { (self.number, self.digest) = (number, digest) }

    /// Of nothing: what the first record has before it.
    public static let none = AuditHead(number: 0, digest: String(repeating: "0", count: 64))

    /// `NUMBER:DIGEST`; nil: it is none.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let number = UInt64(parts[0]), parts[1].utf8.count == 64,
            parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else { return nil }
        self.init(number: number, digest: String(parts[1]))
    }

    public var description: String { "\(number):\(digest)" }
}

/// A record in its place.
public struct AuditLine: Equatable, Sendable {
    /// In a line, before the record's own fields: its number, when it was written, the digest of the line before.
    struct Place: Decodable {
        var n: UInt64
        var time: String
        var prev: String
    }

    public let number: UInt64
    public let time: String
    public let previous: String
    public let record: AuditRecord

    /// nil: it is none.
    public init?(_ line: some DataProtocol) {
        // No log has so many; behind it comes another.
        guard let found = try? JSONDecoder().decode(Self.self, from: Data(line)), (1...1 << 62).contains(found.number)
        else { return nil }
        self = found
    }
}

extension AuditLine: Decodable {
    public init(from decoder: any Decoder) throws {
        let place = try Place(from: decoder)
        (number, time, previous) = (place.n, place.time, place.prev)
        record = try AuditRecord(from: decoder)
    }
}
