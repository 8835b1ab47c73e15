import PCI

/// The one PCI bus of a guest: a host bridge at 00:00.0, its functions at 00:01.0, 00:02.0 and so on, and those that the
/// partition's device model stands for at 00:1f.0, 00:1f.1. Whatever else is asked for is absent: it reads as ones.
///
/// The value is a partition's own; its cores take turns.
public struct GuestBus: ~Copyable, Sendable {
    public static let capacity = 8
    /// As many functions as one device has.
    private static let modelCapacity = 8
    /// Virtual functions of all its functions: each has a number behind these.
    public static let virtualCapacity = modelNumber - (capacity + 1) << 3
    /// Device and function number of the first function of the device model's.
    public static let modelNumber = 31 << 3
    /// The first `count` are there.
    public private(set) var functions = InlineArray<8, GuestFunction> { _ in GuestFunction() }
    public private(set) var count = 0
    /// Likewise the first `modelCount`.
    public private(set) var model = [8 of ModelFunction](repeating: .none)
    public private(set) var modelCount = 0
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
            virtualFunctions <= Self.modelNumber - nextVirtual
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

    /// Adds a function that the device model stands for.
    public mutating func append(_ function: ModelFunction) throws(GuestBusError) {
        guard modelCount < Self.modelCapacity else { throw .full }
        model[modelCount] = function
        model[modelCount].page = try addresses.place(size: function.isMemory ? WireHalf.memorySize * 2 : 4096)
        modelCount += 1
    }

    /// Where shared memory is, guest-physical; nil for other functions of the model's.
    public func memory(model index: Int) -> UInt64? { model[index].isMemory ? model[index].page : nil }

    /// What the device model is to do for a port access; nil when it is none of its.
    /// - Parameter value: what is written.
    public func call(for access: PortAccess, value: UInt32) -> ModelCall? {
        let written = access.isInput ? nil : UInt64(value)
        guard access.port < GuestWindows.ports else {
            let (index, offset) = Int(access.port - GuestWindows.ports).quotientAndRemainder(
                dividingBy: GuestWindows.virtioPorts)
            return index < modelCount ? ModelCall(.ports, index, offset, size: access.size, written) : nil
        }
        guard Self.claims(access), access.port != 0xCF8, address >> 16 == 0x8000 else { return nil }
        let offset = Int(address & 0xFC) | Int(access.port & 3)
        return configurationCall(Int(address >> 8 & 0xFF), offset, size: access.size, written)
    }

    /// The same for an access to guest-physical memory.
    public func call(memory gpa: UInt64, size: Int, value: UInt64?) -> ModelCall? {
        if gpa >= GuestWindows.ecam, gpa < GuestWindows.ecam + GuestWindows.ecamSize {
            let offset = Int(gpa - GuestWindows.ecam)
            return configurationCall(offset >> 12, offset & 0xFFF, size: size, value)
        }
        for i in 0..<modelCount where !model[i].isMemory && model[i].page == gpa & ~0xFFF {
            return ModelCall(.page, i, Int(gpa & 0xFFF), size: size, value)
        }
        return nil
    }

    private func configurationCall(_ number: Int, _ offset: Int, size: Int, _ value: UInt64?) -> ModelCall? {
        let index = number - Self.modelNumber
        return index >= 0 && index < modelCount ? ModelCall(.configuration, index, offset, size: size, value) : nil
    }

    /// Whether a port access is for configuration space: CF8h as a double word, or the data at CFCh to CFFh. Bytes at CF8h
    /// are not: CF9h is the reset register.
    public static func claims(_ access: PortAccess) -> Bool {
        guard !access.isString else { return false }
        return access.port == 0xCF8 ? access.size == 4 : 0xCFC...0xCFF ~= access.port
    }

    /// Carries out a port access that `claims` accepts, and that is none of the device model's.
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
        return call(memory: gpa, size: 4, value: nil) != nil
    }

    /// Carries out an access to guest-physical memory, if it is one that `traps` names, and none of the device model's.
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
        return nil
    }

    /// One access to configuration space; ones where it is not inside one double word.
    private mutating func access(
        _ number: Int, _ offset: Int, size: Int, value: UInt32?, on machine: borrowing some FunctionAccess
    ) -> UInt32 {
        guard size == 1 || size == 2 || size == 4, offset & 3 + size <= 4 else { return .max }
        let shift = UInt32(offset & 3) * 8
        let ones = UInt32.max >> UInt32(32 - size * 8)
        let index = number >> 3 - 1
        if let value {
            guard number & 7 == 0, index >= 0, index < count else { return 0 }
            functions[index].write(offset & ~3, value << shift, mask: ones << shift, on: machine)
            return 0
        }
        return read(number, offset & ~3, on: machine) >> shift & ones
    }

    private mutating func read(_ number: Int, _ offset: Int, on machine: borrowing some FunctionAccess) -> UInt32 {
        if number == 0 { return Self.read(offset, hostBridge, classes: 0x0600_0000) }
        let index = number >> 3 - 1
        if number & 7 == 0, index < count { return functions[index].read(offset, on: machine) }
        for i in 0..<count where functions[i].virtual.has(number) {
            // No identifiers, as virtual functions have, and a class that fits no driver.
            return Self.read(offset, .max, classes: 0xFF00_0000)
        }
        return .max
    }

    /// A double word of a function that has its identifiers, its class and header type 0, and nothing else.
    private static func read(_ offset: Int, _ identifiers: UInt32, classes: UInt32) -> UInt32 {
        offset == 0x00 ? identifiers : offset == 0x08 ? classes : 0
    }
}
