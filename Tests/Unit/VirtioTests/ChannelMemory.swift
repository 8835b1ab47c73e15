import Platform
import Virtio

/// Two guests' memory and a channel's between them, for oracles: whatever the guests do, and whatever one end's instance leaves in its half.
struct ChannelMemory: ~Copyable {
    /// Bytes that nobody may write, around the channel.
    private static let border = 4096
    private static let channelSize = 2 * Int(WireHalf.size)
    private let guests = UnsafeMutableRawPointer.allocate(byteCount: 2 * VirtioOracle.size, alignment: 4096)
    private let memory = UnsafeMutableRawPointer.allocate(byteCount: channelSize + 2 * border, alignment: 4096)
    init() { memory.initializeMemory(as: UInt8.self, repeating: 0xA5, count: Self.channelSize + 2 * Self.border) }
    deinit {
        guests.deallocate()
        memory.deallocate()
    }

    private func half(_ end: Int) -> UnsafeMutableRawPointer { memory + Self.border + end * Int(WireHalf.size) }

    /// Clears the guests' memory and, of both halves, the numbers and what each place says of itself.
    func clear() -> [WireHalf] {
        guests.initializeMemory(as: UInt8.self, repeating: 0, count: 2 * VirtioOracle.size)
        return (0..<2).map { end in
            half(end).initializeMemory(as: UInt8.self, repeating: 0, count: 4096)
            for slot in 0..<128 { half(end).storeBytes(of: 0, toByteOffset: 4096 + slot * 2048, as: UInt64.self) }
            return unsafe WireHalf(at: UInt64(UInt(bitPattern: half(end))))
        }
    }

    func guest(_ end: Int) -> GuestMemory {
        GuestMemory(base: guests + end * VirtioOracle.size, size: UInt64(VirtioOracle.size))
    }

    /// Which end's step this is, of the inputs that `VirtioOracle` takes: bit 4 says so.
    static func end(_ input: UnsafeRawBufferPointer, _ at: Int) -> Int { Int(input[at] >> 4 & 1) }

    /// Writes into an end's half what an instance that is no longer itself may write.
    /// - Returns: whether the step is such a one.
    func spoil(_ input: UnsafeRawBufferPointer, _ at: Int, _ high: UInt32) -> Bool {
        let place = Int(input[at + 1]), low = UInt32(input[at + 2]) | UInt32(input[at + 3]) << 8
        let half = half(Self.end(input, at))
        switch input[at] & 15 {
        case 10: half.storeBytes(of: high << 16 | low, toByteOffset: place & 63 * 4, as: UInt32.self)
        case 11:
            let tag = UInt64(high) << 32 | UInt64(low) << 16 | UInt64(place) * 8
            half.storeBytes(of: tag, toByteOffset: 4096 + (place & 127) * 2048, as: UInt64.self)
        default: return false
        }
        return true
    }

    /// Whether nothing beside the channel was written.
    var isWhole: Bool {
        let all = UnsafeRawBufferPointer(start: memory, count: Self.channelSize + 2 * Self.border)
        return all.prefix(Self.border).allSatisfy { $0 == 0xA5 } && all.suffix(Self.border).allSatisfy { $0 == 0xA5 }
    }
}
