import PCI

@testable import Platform

/// A machine with PCI functions whose registers are bytes; it records what is written.
final class TestMachine: FunctionAccess {
    struct Write: Equatable {
        var function: UInt16
        var offset: Int
        var size: Int
        var value: UInt32
    }
    struct RegisterWrite: Equatable {
        var address: UInt64
        var size: Int
        var value: UInt64
    }
    var space: [UInt16: [UInt8]] = [:]
    var registers: [UInt64: UInt64] = [:]
    var writes: [Write] = []
    var registerWrites: [RegisterWrite] = []
    /// The partition's cores.
    var cores: Set<UInt32> = [0, 3]
    /// The most writes to registers between two rests.
    private(set) var longestWork = 0
    private var workSinceRest = 0
    func rest() { workSinceRest = 0 }

    func read(_ function: UInt16, _ offset: Int, size: Int) -> UInt32 {
        precondition(offset % size == 0 && offset + size <= 4096)
        guard let bytes = space[function] else { return .max }
        return (0..<size).reduce(0) { $0 | UInt32(bytes[offset + $1]) << (8 * UInt32($1)) }
    }
    func write(_ function: UInt16, _ offset: Int, size: Int, _ value: UInt32) {
        precondition(offset % size == 0 && offset + size <= 4096)
        writes.append(Write(function: function, offset: offset, size: size, value: value))
        // Status registers clear the bits that are written.
        if offset == 6 { return }
        for i in 0..<size { space[function]?[offset + i] = UInt8(truncatingIfNeeded: value >> (8 * UInt32(i))) }
    }
    func message(_ function: UInt16, apicID: UInt32, vector: UInt8) -> (address: UInt64, data: UInt32)? {
        guard cores.contains(apicID), vector >= 16 else { return nil }
        return (0xFEE0_0010 | UInt64(apicID) << 12, UInt32(function) << 8 & 0xFF00 | UInt32(vector))
    }
    func readRegister(_ address: UInt64, size: Int) -> UInt64 { registers[address] ?? 0x5A }
    func writeRegister(_ address: UInt64, size: Int, _ value: UInt64) {
        precondition(address % UInt64(size) == 0)
        registers[address] = value
        workSinceRest += 1
        longestWork = max(longestWork, workSinceRest)
        registerWrites.append(RegisterWrite(address: address, size: size, value: value))
    }

    func forgetWrites() {
        writes = []
        registerWrites = []
    }
}

extension TestMachine {
    static let nic: UInt16 = 0x0300

    /// A network card with every capability that a guest sees, and some that it must not see: BAR 0 of 128 KiB, an I/O BAR, a
    /// 64-bit BAR 3 with an MSI-X table of 80 entries at 1000h and its pending bits at 1800h, SR-IOV and ATS.
    static func card(_ requester: UInt16 = nic, on machine: TestMachine) -> FunctionDescription {
        var bytes = [UInt8](repeating: 0xEE, count: 4096)
        bytes.put(0x10C9_8086 as UInt32, at: 0)
        bytes.put(0x0006 as UInt16, at: 4)
        bytes.put(0xF930 as UInt16, at: 6)  // every error, capabilities
        bytes[0x34] = 0x40
        bytes.put([0x01, 0x50, 0xC3, 0xFF, 0x00, 0x81, 0, 0], at: 0x40)  // power management
        bytes.put([0x05, 0x70, 0x8A, 0x01], at: 0x50)  // MSI: 64 bits, masks, 32 messages
        bytes.put([0x11, 0xA0, 0x4F, 0x00, 0x03, 0x10, 0, 0, 0x03, 0x18, 0, 0], at: 0x70)  // MSI-X: 80 entries
        bytes.put([0x10, 0xE0, 0x02, 0x00], at: 0xA0)  // PCI Express endpoint
        bytes.put(0x1000_8FC2 as UInt32, at: 0xA4)  // payload of 512 bytes possible, function level reset
        bytes.put(0x2837 as UInt16, at: 0xA8)  // read requests of 512 bytes, payload of 256, orders, some errors
        bytes.put(0x000F as UInt16, at: 0xAA)
        bytes.put([0x03, 0xE8, 0, 0], at: 0xE0)  // vital product data
        bytes.put([0x09, 0x00, 0x08, 0x01, 1, 2, 3, 4], at: 0xE8)  // the vendor's own
        bytes.put(0x0001_000F as UInt32, at: 0x100)  // ATS
        machine.space[requester] = bytes

        var card = FunctionDescription()
        card.address = FunctionAddress(requester: requester)
        card.vendor = 0x8086
        card.device = 0x10C9
        card.subsystemVendor = 0x8086
        card.subsystem = 0xA03C
        card.classCode = 0x020000
        card.revision = 1
        card.bars[0] = BaseAddress(.memory32, address: 0xFEB0_0000, size: 0x20000)
        card.bars[2] = BaseAddress(.port, address: 0xC000, size: 32)
        card.bars[3] = BaseAddress(.memory64, address: 0x8_0000_0000, size: 0x4000)
        card.bars[3].isPrefetchable = true
        card.powerManagement = 0x40
        card.msi = 0x50
        card.express = 0xA0
        card.msix.capability = 0x70
        card.msix.entries = 80
        card.msix.tableBAR = 3
        card.msix.tableOffset = 0x1000
        card.msix.pendingBAR = 3
        card.msix.pendingOffset = 0x1800
        card.sriov = 0x160
        card.hasFunctionReset = true
        return card
    }
}

/// A guest's bus on a machine, as its accesses reach it.
final class TestBus {
    static let host: UInt32 = 0x29C0_8086
    let machine: TestMachine
    private var bus: GuestBus

    init(on machine: TestMachine, memorySize: UInt64 = 64 << 20) {
        self.machine = machine
        bus = GuestBus(hostBridge: Self.host, memorySize: memorySize)
    }

    /// The bus with the card in slot 1, as its guest finds it; what the reset wrote is forgotten.
    static func withCard(on machine: TestMachine, virtualFunctions: Int = 0) throws(GuestBusError) -> TestBus {
        let bus = TestBus(on: machine)
        try bus.append(TestMachine.card(on: machine), virtualFunctions: virtualFunctions)
        bus.reset()
        machine.forgetWrites()
        return bus
    }

    func append(_ function: FunctionDescription, virtualFunctions: Int = 0) throws(GuestBusError) {
        try bus.append(function, virtualFunctions: virtualFunctions, on: machine)
    }
    func reset() { bus.reset(on: machine) }
    func takeFromFirmware() { bus.functions[0].takeFromFirmware(on: machine) { _ in } }
    var count: Int { bus.count }
    var capabilities: Int { bus.functions[0].capabilities.count }
    var trapped: Range<UInt64> { bus.functions[0].trapped(from: 0) }
    func trapped(from start: UInt64) -> Range<UInt64> { bus.functions[0].trapped(from: start) }
    var addresses: [UInt64] { (0..<6).map { bus.functions[0].addresses[$0] } }
    func pages(_ bar: Int) -> (guest: UInt64, machine: UInt64, size: UInt64)? { bus.functions[0].pages(bar) }

    func port(_ access: PortAccess, _ value: UInt32 = 0) -> UInt32 { bus.access(access, value: value, on: machine) }
    func memory(_ gpa: UInt64, _ size: Int, write value: UInt64? = nil) -> UInt64? {
        bus.access(memory: gpa, size: size, value: value, on: machine)
    }

    /// Reads configuration space of slot `slot` by its memory.
    func read(_ slot: Int, _ offset: Int, _ size: Int = 4, function: Int = 0) -> UInt32 {
        UInt32(memory(GuestWindows.ecam + UInt64(slot << 15 | function << 12 | offset), size) ?? 0xBAD)
    }
    func write(_ slot: Int, _ offset: Int, _ size: Int, _ value: UInt32) {
        _ = memory(GuestWindows.ecam + UInt64(slot << 15 | offset), size, write: UInt64(value))
    }
}
