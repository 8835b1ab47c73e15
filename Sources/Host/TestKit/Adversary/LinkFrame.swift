import Records

/// A frame of the management link, made by hand: right, or wrong in one place (`Frame` in Control says what is right).
public struct LinkFrame {
    var version: UInt8 = 1
    var kind: UInt8 = 1
    /// What the length field says; nil for the truth.
    var length: Int?
    var sequence: UInt32
    var payload: [UInt8]
    /// Turns bits of the checksum over.
    var damage: UInt32 = 0

    /// A request that carries this CBOR.
    init(_ sequence: UInt32, _ payload: [UInt8]) {
        self.sequence = sequence
        self.payload = payload
    }

    /// A request for this operation, with a partition's name where there is one.
    public init(_ sequence: UInt32, _ operation: UInt8, partition: String? = nil) {
        let number = operation < 24 ? [operation] : [0x18, operation]
        let name = partition.map { Array($0.utf8) } ?? []
        let text = name.count < 24 ? [0x60 | UInt8(name.count)] : [0x78, UInt8(name.count)]
        self.init(
            sequence, partition == nil ? [0xA1, 0] + number : [0xA2, 0] + number + [1] + text + name)
    }

    var content: [UInt8] {
        let length = length ?? payload.count
        var bytes = [version, kind, UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF)]
        bytes += (0..<4).map { UInt8(truncatingIfNeeded: sequence >> UInt32(24 - 8 * $0)) } + payload
        let checksum = CRC32C(bytes.span).value ^ damage
        return bytes + (0..<4).map { UInt8(truncatingIfNeeded: checksum >> UInt32(8 * $0)) }
    }

    /// As it goes over the line.
    public var bytes: [UInt8] {
        [0x7E] + content.flatMap { [0x7E, 0x7D, 0x11, 0x13].contains($0) ? [0x7D, $0 ^ 0x20] : [$0] } + [0x7E]
    }
}
