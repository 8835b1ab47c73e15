import Text

/// Why a function's registers cannot become a partition's.
public struct RegisterError: Error, Equatable, Sendable {
    /// What the function has or is, with a place for the other one's requester id where there is another one.
    public let words: Words
    public var other: FunctionAddress?

    /// Firmware has given them no address: 0, all ones, or one that is not aligned to their size.
    public static let noAddress = RegisterError(
        words: " has registers to which firmware has given no address that cores can reach")
    /// The machine has something else there.
    public static let taken = RegisterError(words: " has registers where the machine has something else")
    /// An OHCI controller, whose driver can route interrupts to SMIs by a register that it needs (OpenHCI 1.0a, section 7.1.2,
    /// InterruptRouting).
    public static let raisesSMIs = RegisterError(words: " is an OHCI controller, which can stop every core by SMIs")
    /// Another function has registers in the same page.
    public static func shared(with other: FunctionAddress) -> RegisterError {
        RegisterError(words: " has registers in one page of memory with %x", other: other)
    }
}

/// Machine memory where no function's registers can be.
public struct MachineRanges: Sendable {
    private var ranges = BoundedList<64, Range<UInt64>>(unused: 0..<0)
    /// One beyond the last address that cores reach.
    let end: UInt64

    /// What the chipsets of PCs have below 1 MiB (video memory, option ROMs, firmware), and below 4 GiB, from the I/O APICs to
    /// the flash memory: the firmware's map of memory need not list it.
    /// - Parameter addressBits: of physical addresses, without those that name a memory key. A core maps one-to-one what its functions
    ///   have, below the 47 bits that the lower half of its address space has.
    public init(addressBits: Int = 47) {
        end = 1 << UInt64(max(32, min(addressBits, 47)))
        add(0, 0x10_0000)
        add(0xFEC0_0000, 0x140_0000)
    }

    /// All memory-mapped configuration space of the firmware's table, of every segment: each entry's address is that of bus 0
    /// (PCI Firmware 3.3, section 4.1.2).
    /// - Parameter table: MCFG; empty without one.
    public mutating func add(mcfg table: Span<UInt8>) {
        for entry in stride(from: 44, to: max(table.count, 59) - 15, by: 16) {
            var base: UInt64 = 0
            for i in 0..<8 { base |= UInt64(table[entry + i]) << UInt64(8 * i) }
            add(base, (UInt64(table[entry + 11]) + 1) << 20)
        }
    }

    /// A remapping unit's registers: AMD's have 512 KiB, aligned to as much, where they have performance counters (48882,
    /// section 3.4).
    /// - Parameter bytes: as many as its features tell, where they are known.
    public mutating func add(unit: UInt64, _ bytes: UInt64 = 0) {
        add(unit, max(bytes, unit & 0x7_FFFF == 0 ? 0x8_0000 : 0x4000))
    }

    /// At most 62 more: of what is added then, nothing is known but that it is somewhere.
    public mutating func add(_ base: UInt64, _ size: UInt64) {
        let range = base..<(size > .max - base ? .max : base + size)
        if !ranges.append(range) { ranges[0] = 0..<end }
    }

    func overlap(_ range: Range<UInt64>) -> Bool { ranges.first { $0.overlaps(range) } != nil }
}

extension FunctionList {
    /// Refuses registers of a function, or of the first `count` of its virtual functions, that are not theirs alone: they
    /// become a partition's in whole pages.
    /// - Parameter isMemory: whether the firmware's map of memory has something in a range.
    public func requireOwnRegisters(
        of function: borrowing FunctionDescription, _ virtual: borrowing VirtualFunctions, _ count: Int,
        besides machine: MachineRanges, isMemory: (Range<UInt64>) -> Bool
    ) throws(RegisterError) {
        if function.classCode == 0x0C0310 { throw .raisesSMIs }
        let traps = function.msix.capability != 0 ? true : function.isXHCI
        for k in 0..<(count > 0 ? 12 : 6) {
            let bar = k < 6 ? function.bars[k] : virtual.bars[k - 6]
            guard bar.isMemory else { continue }
            // The upper half of a wide one in the last slot would be no register.
            guard let pages = bar.pages(k < 6 ? 1 : count), pages.upperBound <= machine.end,
                k % 6 < 5 || bar.kind == .memory32
            else { throw .noAddress }
            if machine.overlap(pages) || isMemory(pages) { throw .taken }
            for i in 0..<self.count where k < 6 ? functions[i].address != function.address : true {
                for other in 0..<6 where functions[i].bars[other].pages?.overlaps(pages) ?? false {
                    throw .shared(with: functions[i].address)
                }
            }
            // One virtual function's would be another's, or one register lead to what is trapped in another.
            for other in k / 6 * 6..<k where k > 5 || traps {
                let bar = k < 6 ? function.bars[other] : virtual.bars[other - 6]
                if bar.pages(k < 6 ? 1 : count)?.overlaps(pages) ?? false { throw .shared(with: function.address) }
            }
        }
    }

    /// Whether `physical` can have a virtual function with this requester id: no function has it, and no other bridge than
    /// those above leads to its bus.
    public func hasRoom(for id: UInt16, of physical: borrowing FunctionDescription) -> Bool {
        let own = physical.address.bus
        for i in 0..<count {
            let first = functions[i].secondaryBus, buses = first...max(first, functions[i].subordinateBus)
            let isOthers = first != 0 && !buses.contains(own)
            if functions[i].requester == id || isOthers && buses.contains(UInt8(id >> 8)) { return false }
        }
        return true
    }
}
