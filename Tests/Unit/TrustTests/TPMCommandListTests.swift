import Testing
import Trust

/// A list of commands as root mode goes through it, of bytes that anybody may have written.
@Suite struct TPMCommandListTests {
    private func big(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
    private func command(_ code: UInt32, _ rest: [UInt8], size: UInt32? = nil) -> [UInt8] {
        [0x80, 1] + big(size ?? UInt32(10 + rest.count)) + big(code) + rest
    }
    private func response(_ code: UInt32 = 0, handle: UInt32 = 0, _ rest: [UInt8] = []) -> [UInt8] {
        let bytes = [0x80, 1] + big(64) + big(code) + big(handle) + rest
        return bytes + [UInt8](repeating: 0, count: 128 - bytes.count)
    }

    /// Goes through a list as long as there is a command, with these responses.
    private func run(_ bytes: inout [UInt8], _ responses: [[UInt8]] = []) -> [UInt32] {
        var list = TPMCommandList(), codes: [UInt32] = []
        while let next = unsafe bytes.withUnsafeMutableBytes({ unsafe list.next(in: $0) }) {
            let answer = codes.count < responses.count ? responses[codes.count] : response()
            codes.append(next.code)
            _ = unsafe answer.withUnsafeBytes { unsafe list.take($0) }
        }
        return codes
    }

    @Test func handlesComeOutOfEarlierResponses() {
        var bytes =
            command(0x176, [UInt8](repeating: 1, count: 30)) + command(0x157, big(0x8100_0001) + [2, 2, 2, 2])
            + command(0x15E, big(0xFFFF_FF01) + big(9) + big(0xFFFF_FF00) + [0, 0])
            + command(0x17F, big(0xFFFF_FF00) + [0, 32] + [0, 0] + big(0xFFFF_FF00) + [7, 7])
        let codes = run(&bytes, [response(handle: 0x0300_0000), response(handle: 0x8000_0000), response(), response()])
        #expect(codes == [0x176, 0x157, 0x15E, 0x17F])
        let unseal = command(0x15E, big(0x8000_0000) + big(9) + big(0x0300_0000) + [0, 0])
        #expect(Array(bytes[58..<58 + unseal.count]) == unseal)
        // In the digest of a policy what looks like a handle stays.
        #expect(Array(bytes.suffix(6)) == big(0xFFFF_FF00) + [7, 7])
    }

    /// Of a command that is not yet, or of itself, there is no handle.
    @Test func aHandleOfWhatComesLaterStays() {
        for number: UInt32 in [0, 1, 7, 8, 200] {
            var bytes = command(0x165, big(0xFFFF_FF00 + number))
            let before = bytes
            #expect(run(&bytes) == [0x165] && bytes == before)
        }
    }

    @Test(
        arguments: [
            0x12D, 0x145, 0x182, 0x13C, 0x126, 0x122, 0x12A, 0x134, 0x137, 0x121, 0x120, 0x17E, 0x15D, 0x160, 0x14E, 0,
            .max,
        ] as [UInt32]) func nothingElseIsSent(_ code: UInt32)
    {
        var bytes = command(0x176, [0, 0, 0, 0]) + command(code, [0, 0, 0, 0]) + command(0x15E, [0, 0, 0, 0])
        #expect(run(&bytes) == [0x176])
    }

    @Test func lengthsAreBounded() {
        for size: UInt32 in [0, 9, 10, 13, 15, 0x7FFF_FFFF, 0x8000_0000, .max] {
            var bytes = command(0x165, [1, 2, 3, 4], size: size)
            #expect(run(&bytes).isEmpty, "\(size)")
        }
        var bytes = Array(repeating: command(0x165, [1, 2, 3, 4]), count: 20).flatMap { $0 }
        #expect(run(&bytes).count == 8)
        for count in 0..<14 {
            var short = Array(command(0x165, [1, 2, 3, 4]).prefix(count))
            #expect(run(&short).isEmpty)
        }
    }

    @Test func aSecretHasOneTo64Bytes() {
        for (size, code, count) in [(1, 0, 1), (64, 0, 64), (0, 0, 0), (65, 0, 0), (0xFFFF, 0, 0), (32, 0x99D, 0)] {
            var list = TPMCommandList(), bytes = command(0x15E, [UInt8](repeating: 0, count: 20))
            _ = unsafe bytes.withUnsafeMutableBytes { unsafe list.next(in: $0) }
            let answer = response(UInt32(code), handle: 0, [UInt8(size >> 8), UInt8(size & 0xFF)])
            let found = unsafe answer.withUnsafeBytes { unsafe list.take($0) }
            #expect(found.code == UInt32(code) && found.data == 16..<16 + count)
        }
    }

    /// Bytes by chance, and lists that are nearly right: within their bounds, whatever they say.
    @Test func byChance() {
        for _ in 0..<20_000 {
            var bytes = (0..<Int.random(in: 0...200)).map { _ in UInt8.random(in: 0...255) }
            if Bool.random() {
                bytes = (0..<4).flatMap { _ in
                    command(
                        [0x176, 0x15E, 0x165].randomElement() ?? 0,
                        big(.random(in: 0xFFFF_FEFF ... .max)) + bytes.prefix(20))
                }
            }
            let count = bytes.count
            #expect(run(&bytes).count <= 8 && bytes.count == count)
        }
    }

    private func counter(_ publicArea: [UInt8], _ code: UInt32 = 0, _ value: UInt64 = 5, read: UInt32 = 0) -> UInt64 {
        let first = response(code).prefix(10) + publicArea + [UInt8](repeating: 0, count: 64)
        let bytes = response(
            read, handle: 10, [0, 8] + big(UInt32(value >> 32)) + big(UInt32(truncatingIfNeeded: value)))
        return unsafe Array(first).withUnsafeBytes { first in
            unsafe bytes.withUnsafeBytes { unsafe VersionCounter.value(readPublic: first, read: $0) }
        }
    }
    private func publicArea(_ attributes: UInt32 = 0x2206_0016, index: UInt32 = 0x0180_4C4B, size: UInt8 = 8) -> [UInt8]
    {
        [0, 14] + big(index) + [0, 0xB] + big(attributes) + [0, 0, 0, size]
    }

    @Test func whatTheCounterSays() {
        #expect(counter(publicArea()) == 5 && counter(publicArea(), 0, 1 << 40) == 1 << 40)
        // There is none: no version is too old.
        #expect(counter([], 0x18B) == 0 && counter(publicArea(), 0x18B) == 0)
        #expect(VersionCounter.read[5] == 35)
        let bytes = VersionCounter.readPublic
        #expect((0..<14).map { bytes[$0] } == [0x80, 1, 0, 0, 0, 14, 0, 0, 1, 0x69, 1, 0x80, 0x4C, 0x4B])
    }

    /// In its place somebody may define what says a number of his own: an ordinary index, one that can be cleared, another size; and a TPM
    /// that answers otherwise says nothing. Then no manifest is new enough.
    @Test func whatIsNoCounterAdmitsNothing() {
        for attributes: UInt32 in [0x2206_0006, 0x0206_0016, 0x2206_0026, 0x2206_0056, 0x2A06_0016, 0] {
            #expect(counter(publicArea(attributes)) == .max)
        }
        #expect(counter(publicArea(index: 0x0180_4C4C)) == .max && counter(publicArea(size: 9)) == .max)
        for code: UInt32 in [0x922, 0x908, 0x90A, 0x101, 0x28B, .max] {
            #expect(counter(publicArea(), code) == .max && counter(publicArea(), read: code) == .max)
        }
    }

    /// Behind each list all that it has loaded goes, and a long response covers the secret.
    @Test func whatAListHasLeftIsFlushed() {
        var bytes = command(0x176, [0, 0, 0, 0]) + command(0x157, [0, 0, 0, 0]), list = TPMCommandList()
        for handle: UInt32 in [0x0300_0000, 0x8000_0001] {
            _ = unsafe bytes.withUnsafeMutableBytes { unsafe list.next(in: $0) }
            let answer = response(handle: handle)
            _ = unsafe answer.withUnsafeBytes { unsafe list.take($0) }
        }
        func sent(_ i: Int) -> [UInt8] {
            let command = list.cleaning(i)
            return (0..<14).map { command[$0] }
        }
        #expect(
            list.count == 2 && sent(0) == command(0x165, big(0x0300_0000))
                && sent(1) == command(0x165, big(0x8000_0001)))
        #expect(sent(2) == command(0x173, big(0x8100_0001)))
    }
}
