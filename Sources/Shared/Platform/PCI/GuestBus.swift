import PCI

/// The one PCI bus of a guest: a host bridge at 00:00.0, its functions at 00:01.0, 00:02.0 and so on, and those that root mode
/// stands for at 00:1f.0, 00:1f.1. Whatever else is asked for is absent: it reads as ones.
///
/// The value is a partition's own; its cores take turns.
public struct GuestBus: ~Copyable, Sendable {
    public static let capacity = 8
    /// As many functions as one device has.
    private static let virtioCapacity = 8
    /// Virtual functions of all its functions: each has a number behind these.
    public static let virtualCapacity = virtioNumber - (capacity + 1) << 3
    /// Device and function number of the first virtio function.
    private static let virtioNumber = 31 << 3
    /// The first `count` are there.
    public private(set) var functions = InlineArray<8, GuestFunction> { _ in GuestFunction() }
    public private(set) var count = 0
    /// Likewise the first `virtioCount`.
    private var virtio = InlineArray<8, VirtioFunction> { _ in VirtioFunction(.none) }
    public private(set) var virtioCount = 0
    private let hostBridge: UInt32
    private var addresses: GuestAddresses
    /// The next placeholder's device and function number.
    private var nextVirtual = (capacity + 1) << 3
    /// The register at CF8h.
    private var address: UInt32 = 0

    /// - Parameters:
    ///   - hostBridge: the machine's first double word at 00:00.0: vendor in bits 15:0, device in 31:16.
    ///   - memorySize: bytes of the partition's RAM.
    public init(hostBridge: UInt32, memorySize: UInt64) {
        self.hostBridge = hostBridge
        addresses = GuestAddresses(memorySize: memorySize)
    }

    /// Adds the next function, which must answer and be in power state D0. Configuration space is only read.
    /// - Parameter virtualFunctions: how many of its virtual functions are enabled; each takes a number of the bus.
    public mutating func append(
        _ description: FunctionDescription, virtualFunctions: Int = 0, on machine: borrowing some FunctionAccess
    ) throws(GuestBusError) {
        guard count < Self.capacity else { throw .full }
        guard virtualFunctions == 0 || description.sriov != 0, virtualFunctions >= 0,
            virtualFunctions <= Self.virtioNumber - nextVirtual
        else { throw .virtualFunctions }
        let virtual = GuestVirtualFunctions(first: nextVirtual, count: virtualFunctions, physical: (count + 1) << 3)
        functions[count] = try GuestFunction(description, virtual: virtual, addresses: &addresses, on: machine)
        nextVirtual += virtualFunctions
        count += 1
    }

    /// Before each start of the guest, after the devices were reset: see `GuestFunction.reset`.
    public mutating func reset(on machine: borrowing some FunctionAccess) {
        address = 0
        for i in 0..<count { functions[i].reset(on: machine) }
    }

    /// Adds a virtio function: see `VirtioFunction`.
    public mutating func append(_ kind: VirtioKind, mac: UInt64 = 0, mtu: UInt16 = 0) throws(GuestBusError) {
        guard virtioCount < Self.virtioCapacity else { throw .full }
        virtio[virtioCount] = VirtioFunction(
            kind, mac: mac, mtu: mtu, ports: GuestWindows.ports + UInt16(virtioCount * VirtioLayout.size),
            page: try addresses.place(size: kind == .sharedMemory ? WireHalf.memorySize * 2 : 4096))
        virtioCount += 1
    }

    /// Before each start of the guest.
    public mutating func resetVirtio() { for i in 0..<virtioCount { virtio[i].reset() } }

    /// What the virtio function with this index, below `virtioCount`, has to say of itself: see `VirtioFunction`.
    public func isLive(virtio index: Int) -> Bool { virtio[index].isLive }
    public func kind(virtio index: Int) -> VirtioKind { virtio[index].kind }
    public func memory(virtio index: Int) -> UInt64? { kind(virtio: index) == .sharedMemory ? virtio[index].page : nil }
    public func hasOutput(virtio index: Int, _ memory: borrowing GuestMemory) -> Bool {
        virtio[index].hasOutput(memory)
    }
    public mutating func nextInterrupt(virtio index: Int) -> GuestMessage? { virtio[index].nextInterrupt() }
    public mutating func serve(
        virtio index: Int, console: borrowing some VirtioStream, limit: Int, _ memory: borrowing GuestMemory
    ) -> VirtioProgress { virtio[index].serve(console: console, limit: limit, memory) }
    public mutating func serve(
        virtio index: Int, wire: inout Wire, _ memory: borrowing GuestMemory, mayPass: (Int) -> Bool
    ) -> VirtioProgress { virtio[index].serve(&wire, memory, mayPass: mayPass) }

    /// Carries out a port access that may be a virtio function's.
    /// - Returns: what is read, in the low bytes; nil when no function has the port.
    public mutating func access(virtio access: PortAccess, value: UInt32) -> UInt32? {
        guard access.port >= GuestWindows.ports, !access.isString else { return nil }
        let (index, offset) = Int(access.port - GuestWindows.ports).quotientAndRemainder(dividingBy: VirtioLayout.size)
        guard index < virtioCount else { return nil }
        guard virtio[index].command & Command.ports != 0, offset & (access.size - 1) == 0 else { return .max }
        if access.isInput { return virtio[index].read(offset, size: access.size) }
        virtio[index].write(offset, size: access.size, value)
        return 0
    }

    /// Whether a port access is for configuration space: CF8h as a double word, or the data at CFCh to CFFh. Bytes at CF8h
    /// are not: CF9h is the reset register.
    public static func claims(_ access: PortAccess) -> Bool {
        guard !access.isString else { return false }
        return access.port == 0xCF8 ? access.size == 4 : 0xCFC...0xCFF ~= access.port
    }

    /// Carries out a port access that `claims` accepts.
    /// - Returns: what is read, in the low bytes.
    public mutating func access(
        _ access: PortAccess, value: UInt32, on machine: borrowing some FunctionAccess
    ) -> UInt32 {
        if access.port == 0xCF8 {
            if !access.isInput { address = value & 0x80FF_FFFC }
            return address
        }
        // Bus 0 and enabled.
        guard address >> 16 == 0x8000 else { return .max }
        let offset = Int(address & 0xFC) | Int(access.port & 3)
        let written = access.isInput ? nil : value
        return self.access(Int(address >> 8 & 0xFF), offset, size: access.size, value: written, on: machine)
    }

    /// Whether a guest-physical address is for configuration space or in a page of which the model answers for a part.
    public mutating func traps(_ gpa: UInt64) -> Bool {
        if gpa >= GuestWindows.ecam, gpa < GuestWindows.ecam + GuestWindows.ecamSize { return true }
        for i in 0..<count where functions[i].traps(gpa) { return true }
        for i in 0..<virtioCount where virtio[i].traps(gpa) { return true }
        return false
    }

    /// Carries out an access to guest-physical memory, if it is one that `traps` names.
    /// - Parameters:
    ///   - size: bytes: 1, 2, 4 or 8.
    ///   - value: what is written; nil to read.
    /// - Returns: what is read; nil when the address is none of the bus's.
    public mutating func access(
        memory gpa: UInt64, size: Int, value: UInt64?, on machine: borrowing some FunctionAccess
    ) -> UInt64? {
        guard size == 1 || size == 2 || size == 4 || size == 8 else { return nil }
        if gpa >= GuestWindows.ecam, gpa < GuestWindows.ecam + GuestWindows.ecamSize {
            let offset = Int(gpa - GuestWindows.ecam)
            let written = value.map { UInt32(truncatingIfNeeded: $0) }
            return UInt64(access(offset >> 12, offset & 0xFFF, size: size, value: written, on: machine))
        }
        for i in 0..<count where functions[i].traps(gpa) {
            return functions[i].access(trapped: gpa, size: size, value: value, on: machine)
        }
        for i in 0..<virtioCount where virtio[i].traps(gpa) {
            return virtio[i].access(page: Int(gpa & 0xFFF), size: size, value: value)
        }
        return nil
    }

    /// One access to configuration space; ones where it is not inside one double word.
    private mutating func access(
        _ number: Int, _ offset: Int, size: Int, value: UInt32?, on machine: borrowing some FunctionAccess
    ) -> UInt32 {
        guard size == 1 || size == 2 || size == 4, offset & 3 + size <= 4 else { return .max }
        let shift = UInt32(offset & 3) * 8
        let ones = UInt32.max >> UInt32(32 - size * 8)
        let index = number >> 3 - 1, other = number - Self.virtioNumber
        if let value {
            if other >= 0, other < virtioCount {
                virtio[other].writeConfiguration(offset & ~3, value << shift, mask: ones << shift)
            }
            guard number & 7 == 0, index >= 0, index < count else { return 0 }
            functions[index].write(offset & ~3, value << shift, mask: ones << shift, on: machine)
            return 0
        }
        return read(number, offset & ~3, on: machine) >> shift & ones
    }

    private mutating func read(_ number: Int, _ offset: Int, on machine: borrowing some FunctionAccess) -> UInt32 {
        if number == 0 { return readHostBridge(offset) }
        let index = number >> 3 - 1
        if number & 7 == 0, index < count { return functions[index].read(offset, on: machine) }
        let other = number - Self.virtioNumber
        if other >= 0, other < virtioCount {
            return virtio[other].readConfiguration(offset, hasOthers: virtioCount > 1)
        }
        for i in 0..<count where functions[i].virtual.has(number) {
            return GuestVirtualFunctions.readPlaceholder(offset)
        }
        return .max
    }

    private func readHostBridge(_ offset: Int) -> UInt32 {
        switch offset {
        case 0x00: hostBridge
        case 0x08: 0x0600_0000
        default: 0
        }
    }
}
