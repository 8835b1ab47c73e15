import Platform
import Synchronization

/// A queue that cannot be what a driver means: the device stops until it is reset (virtio 1.2, section 2.1.2).
enum VirtioError: Error { case queue }

/// One chain of descriptors, copied out of the guest's memory, which may change meanwhile.
struct VirtioChain {
    /// Drivers use no indirect tables here. FreeBSD's and OpenBSD's send a frame in as many buffers as it lies in.
    static let capacity = 16
    let head: UInt16
    private(set) var count = 0
    private(set) var addresses = InlineArray<16, UInt64>(repeating: 0)
    private(set) var lengths = InlineArray<16, UInt32>(repeating: 0)

    init(head: UInt16) { self.head = head }

    mutating func append(_ address: UInt64, _ length: UInt32) {
        addresses[count] = address
        lengths[count] = length
        count += 1
    }
}

/// One split virtqueue (virtio 1.2, section 2.7) as the device sees it. Whatever the guest writes there: indices are masked or
/// bounded, each descriptor is read once, and an address is one of the guest's own memory or the queue is refused.
public struct VirtioQueue: Sendable {
    static let maxSize: UInt16 = 128
    static let noVector: UInt16 = 0xFFFF

    // What the guest has written; but for the vector nothing changes while the queue is enabled.
    var size = maxSize
    var vector = noVector
    private(set) var isEnabled = false
    /// Descriptor table, driver area and device area, aligned to 16, 2 and 4.
    private var areas = InlineArray<3, UInt64>(repeating: 0)

    /// Entries of the driver's that were taken, and of the device's that were made; both count up and wrap.
    private(set) var taken: UInt16 = 0
    private var used: UInt16 = 0
    /// `used` when the driver was last asked whether it wants an interrupt.
    private var told: UInt16 = 0
    /// Bytes of the next chain that are through already.
    var progress: UInt64 = 0

    /// Addresses that no processor has are none: so none wraps.
    mutating func enable() { isEnabled = (areas[0] | areas[1] | areas[2]) >> 52 == 0 }

    /// Sets the size, where it is a power of two that is not too large.
    mutating func resize(_ size: UInt16) {
        if !isEnabled, size & (size &- 1) == 0, (1...Self.maxSize).contains(size) { self.size = size }
    }

    /// The double word at `relative`, 0 to 23, from the first address.
    func address(_ relative: Int) -> UInt32 {
        UInt32(truncatingIfNeeded: areas[relative / 8] >> UInt64((relative & 4) * 8))
    }

    mutating func setAddress(_ relative: Int, _ value: UInt32) {
        guard !isEnabled else { return }
        let area = relative / 8, shift = UInt64(relative & 4) * 8
        let alignment: UInt64 = area == 0 ? 16 : area == 1 ? 2 : 4
        areas[area] = (areas[area] & ~(0xFFFF_FFFF << shift) | UInt64(value) << shift) & ~(alignment - 1)
    }

    /// How many chains wait.
    func waiting(_ memory: borrowing GuestMemory) throws(VirtioError) -> UInt16 {
        guard isEnabled else { return 0 }
        let count = try memory.load16(areas[1] &+ 2) &- taken
        guard count <= size else { throw .queue }
        return count
    }

    /// The next chain; nil when none waits.
    /// - Parameter isWritable: what each of its buffers must be, for the device.
    func next(_ memory: borrowing GuestMemory, isWritable: Bool) throws(VirtioError) -> VirtioChain? {
        guard try waiting(memory) > 0 else { return nil }
        var index = try memory.load16(areas[1] &+ 4 &+ UInt64(taken & (size &- 1)) * 2)
        var chain = VirtioChain(head: index)
        for _ in 0..<VirtioChain.capacity {
            guard index < size else { throw .queue }
            let at = areas[0] &+ UInt64(index) * 16
            let address = try memory.load64(at), rest = try memory.load64(at &+ 8)
            let length = UInt32(truncatingIfNeeded: rest), flags = rest >> 32 & 0xFFFF
            // Bit 0: another follows; 1: for the device to write; 2: a table of its own, which was not offered.
            guard flags == flags & 1 | (isWritable ? 2 : 0), memory.offset(of: address, count: UInt64(length)) != nil
            else { throw .queue }
            chain.append(address, length)
            if flags & 1 == 0 { return chain }
            index = UInt16(truncatingIfNeeded: rest >> 48)
        }
        throw .queue
    }

    /// Gives the next chain back, in which the device has written so many bytes.
    mutating func finish(
        _ chain: borrowing VirtioChain, written: UInt32, _ memory: borrowing GuestMemory
    ) throws(VirtioError) {
        let element = UInt64(chain.head) | UInt64(written) << 32
        guard memory.store(element, at: areas[2] &+ 4 &+ UInt64(used & (size &- 1)) * 8) else { throw .queue }
        taken &+= 1
        used &+= 1
        progress = 0
        try memory.publish(used, areas[2] &+ 2)
    }

    /// Says whether the driver's next chain is to be announced.
    /// - Parameters:
    ///   - batch: how many come before that one unannounced, where the driver can tell.
    ///   - hasEvents: whether the driver looks at an index (VIRTIO_F_EVENT_IDX) or at a flag.
    func announce(
        _ isWanted: Bool, batch: UInt16 = 0, hasEvents: Bool, _ memory: borrowing GuestMemory
    ) throws(VirtioError) {
        guard isEnabled else { return }
        if hasEvents {
            let event = isWanted ? taken &+ (try waiting(memory)) &+ batch : taken &- 1
            try memory.publish(event, areas[2] &+ 4 &+ UInt64(size) * 8)
        } else {
            try memory.publish(isWanted ? 0 : 1, areas[2])
        }
    }

    /// Whether the driver wants an interrupt for what was used since this was asked last (section 2.7.7.2).
    mutating func mustInterrupt(hasEvents: Bool, _ memory: borrowing GuestMemory) throws(VirtioError) -> Bool {
        guard used != told else { return false }
        let new = used &- told
        told = used
        guard hasEvents else { return try memory.load16(areas[1]) & 1 == 0 }
        let event = try memory.load16(areas[1] &+ 4 &+ UInt64(size) * 2)
        return used &- event &- 1 < new
    }
}

// What the guest may change meanwhile is read once; addresses are aligned to what is read.
extension GuestMemory {
    fileprivate func load16(_ gpa: UInt64) throws(VirtioError) -> UInt16 {
        unsafe try start(gpa, 2).assumingMemoryBound(to: Atomic<UInt16>.self).pointee.load(ordering: .acquiring)
    }

    fileprivate func load64(_ gpa: UInt64) throws(VirtioError) -> UInt64 {
        unsafe try start(gpa, 8).assumingMemoryBound(to: Atomic<UInt64>.self).pointee.load(ordering: .acquiring)
    }

    /// Writes an index or a flag, behind everything that was written before, and before anything is read.
    fileprivate func publish(_ value: UInt16, _ gpa: UInt64) throws(VirtioError) {
        let word = unsafe try start(gpa, 2).assumingMemoryBound(to: Atomic<UInt16>.self)
        unsafe word.pointee.store(value, ordering: .sequentiallyConsistent)
    }

    private func start(_ gpa: UInt64, _ count: Int) throws(VirtioError) -> UnsafeMutableRawPointer {
        guard let bytes = unsafe bytes(at: gpa, count: count), let start = bytes.baseAddress else { throw .queue }
        return unsafe start
    }
}
