/// TPM commands one behind the other, which the tool has made for one TPM and one policy (`bulkhead seal`), and which boot runs by the
/// firmware: they open one sealed object. Whoever writes to the boot volume can change them, so that nothing else is let through.
///
/// A handle that comes out of an earlier command is written as FFFFFF00h plus that command's index from 0 (TPM 2.0 Library, part 1,
/// sections 18.4 to 18.6: tag, size, code; then handles, and behind them the authorizations, whose first word but one is a session's).
public struct TPMCommandList {
    public static let maxBytes: UInt64 = 4096
    /// Room for a response.
    public static let responseBytes: UInt64 = 1024
    /// The first handle of each response, big-endian as it came.
    private var handles: [8 of UInt32] = .init(repeating: 0)
    /// Commands so far.
    public private(set) var count = 0
    private var offset = 0

    public init() {}

    /// TPM2_Unseal and TPM2_PolicyNV (part 3, sections 12.7 and 23.9).
    public static let unseal: UInt32 = 0x15E
    static let policyNV: UInt32 = 0x149

    /// A command that has a handle alone, without authorization.
    static func command(_ code: UInt8, _ handle: UInt32) -> [14 of UInt8] {
        [
            0x80, 1, 0, 0, 0, 14, 0, 0, 1, code, UInt8(handle >> 24), UInt8(handle >> 16 & 0xFF),
            UInt8(handle >> 8 & 0xFF),
            UInt8(handle & 0xFF),
        ]
    }

    /// What is sent behind a list, whatever it was: for each command TPM2_FlushContext (part 3, section 28.4) of the handle that came of it,
    /// if one did, then TPM2_ReadPublic of the storage key, whose response covers the secret's in the TPM's buffer.
    public func cleaning(_ i: Int) -> [14 of UInt8] {
        i < count ? Self.command(0x65, handles[i].byteSwapped) : Self.command(0x73, 0x8100_0001)
    }

    /// Makes the next command ready to be sent: with the handles that it names.
    /// - Returns: where it is in `list`, and its code; nil where there is no other that may be sent.
    public mutating func next(in list: UnsafeMutableRawBufferPointer) -> (bytes: Range<Int>, code: UInt32)? {
        guard offset + 14 <= list.count, count < 8 else { return nil }
        let size = UInt64(unsafe Self.word(list, offset + 2)), code = unsafe Self.word(list, offset + 6)
        guard size >= 14, size <= UInt64(list.count - offset) else { return nil }
        switch code {
        // TPM2_StartAuthSession, PolicyPCR, PolicyNV, Load, Unseal, FlushContext, ReadPublic.
        case 0x176, 0x17F, Self.policyNV, 0x157, Self.unseal, 0x165, 0x173: break
        default: return nil
        }
        let command = offset..<offset + Int(size)
        unsafe putHandle(at: 10, of: command, in: list)
        if code == Self.unseal || code == Self.policyNV { unsafe putHandle(at: 18, of: command, in: list) }
        offset = command.upperBound
        return (command, code)
    }

    private func putHandle(at place: Int, of command: Range<Int>, in list: UnsafeMutableRawBufferPointer) {
        guard place + 4 <= command.count else { return }
        let number = unsafe Self.word(list, command.lowerBound + place) &- 0xFFFF_FF00
        guard number < UInt32(count) else { return }
        unsafe list.storeBytes(
            of: handles[Int(number)], toByteOffset: command.lowerBound + place, as: UInt32.self)
    }

    /// Takes the handle out of the response to the command that was next.
    /// - Returns: the response's code (part 2, section 6.6), 0 for one that succeeded; and where the data of TPM2_Unseal would be,
    ///   none where it has not a length of 1 to 64 bytes.
    public mutating func take(_ response: UnsafeRawBufferPointer) -> (code: UInt32, data: Range<Int>) {
        let code = unsafe Self.word(response, 6), size = unsafe Int(Self.word(response, 12) & 0xFFFF)
        unsafe handles[count] = response.loadUnaligned(fromByteOffset: 10, as: UInt32.self)
        count += 1
        return (code, code == 0 && 1...64 ~= size ? 16..<16 + size : 16..<16)
    }

    private static func word(_ bytes: UnsafeRawBufferPointer, _ at: Int) -> UInt32 {
        unsafe bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self).byteSwapped
    }
    private static func word(_ bytes: UnsafeMutableRawBufferPointer, _ at: Int) -> UInt32 {
        unsafe word(UnsafeRawBufferPointer(bytes), at)
    }
}
