/// A partition's RAM as the hypervisor sees it: one contiguous host range, shown to the guest in two pieces, because
/// the last GiB below 4 GiB belongs to devices.
///
/// Guest-physical layout: RAM at `0..<min(size, 3 GiB)`, the rest from 4 GiB up. Every access is checked against it;
/// nothing outside the range can be named, whatever address the guest or an image gives.
@safe
public struct GuestMemory: ~Copyable {
    /// Where low RAM ends at the latest, in bytes.
    public static let lowLimit: UInt64 = 3 << 30
    /// Where the RAM that does not fit below `lowLimit` begins.
    public static let highBase: UInt64 = 4 << 30

    private let base: UnsafeMutableRawPointer
    /// Bytes of RAM in all.
    public let size: UInt64
    /// What is not reached, though it is RAM.
    private let locked: [3 of Range<UInt64>]

    /// - Precondition: `base..<base + size` is mapped, writable and this partition's alone for the value's lifetime.
    @unsafe public init(
        base: UnsafeMutableRawPointer, size: UInt64, locked: [3 of Range<UInt64>] = .init(repeating: 0..<0)
    ) {
        unsafe self.base = base
        self.locked = locked
        self.size = size
    }

    /// Bytes of RAM from address 0 up; also the first address behind low RAM.
    public var lowSize: UInt64 { min(size, Self.lowLimit) }
    /// Bytes of RAM from 4 GiB up.
    public var highSize: UInt64 { size - lowSize }

    /// The distance from the host base to `count` bytes at `gpa`; nil when one of them is not RAM.
    public func offset(of gpa: UInt64, count: UInt64) -> UInt64? {
        for i in 0..<3 where gpa < locked[i].upperBound && gpa &+ count > locked[i].lowerBound { return nil }
        if gpa <= lowSize { return lowSize - gpa >= count ? gpa : nil }
        guard gpa >= Self.highBase else { return nil }
        let above = gpa - Self.highBase
        guard above <= highSize, highSize - above >= count else { return nil }
        return lowSize + above
    }

    /// The host bytes behind `count` bytes at `gpa`; nil when any of them is outside RAM or the range straddles the hole.
    public func bytes(at gpa: UInt64, count: Int) -> UnsafeMutableRawBufferPointer? {
        guard count >= 0, let offset = offset(of: gpa, count: UInt64(count)) else { return nil }
        return unsafe UnsafeMutableRawBufferPointer(start: base + Int(offset), count: count)
    }

    /// Writes an integer, little endian, at any alignment. False, and nothing written, outside RAM.
    @discardableResult
    public func store<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, at gpa: UInt64) -> Bool {
        guard let target = unsafe bytes(at: gpa, count: MemoryLayout<T>.size) else { return false }
        unsafe target.storeBytes(of: value.littleEndian, as: T.self)
        return true
    }

    /// Copies all of `source` to `gpa`. False, and nothing written, when it does not fit in RAM there.
    @discardableResult
    public func copy(from source: UnsafeRawBufferPointer, to gpa: UInt64) -> Bool {
        guard let target = unsafe bytes(at: gpa, count: source.count) else { return false }
        unsafe target.copyMemory(from: source)
        return true
    }

    /// Clears `count` bytes at `gpa`. False, and nothing cleared, when one of them is outside RAM.
    @discardableResult
    public func zero(at gpa: UInt64, count: UInt64) -> Bool {
        guard count <= UInt64(Int.max), let target = unsafe bytes(at: gpa, count: Int(count)) else { return false }
        unsafe target.initializeMemory(as: UInt8.self, repeating: 0)
        return true
    }
}
