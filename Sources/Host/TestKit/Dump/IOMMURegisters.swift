import Foundation
import Machines

/// What an IOMMU's own registers say of where its tables lie.
public struct IOMMURegisters: Sendable {
    public let kind: EmulatedIOMMU
    /// Whether it translates, and remaps interrupts.
    public let isOn: Bool
    /// VT-d's root table, AMD's device table.
    public let deviceTable: UInt64
    /// VT-d: the interrupt table and its entries; AMD has one for each function.
    public let interruptTable: UInt64
    public let interruptCount: Int
    /// Whether destinations of interrupts are whole x2APIC ids, and AMD's entries 128 bits.
    public let isExtended: Bool

    init(_ entry: OwnershipReader.Entry, _ monitor: MachineProtocol) throws {
        let base = entry.range.lowerBound
        let read = { (offset: UInt64) in
            let text = try monitor.monitor("xp /1gx 0x\(String(base + offset, radix: 16))")
            guard let word = text.split(separator: ":").last?.trimmingCharacters(in: .whitespacesAndNewlines),
                let value = UInt64(word.dropFirst(2), radix: 16)
            else { throw MachineError.declined("no register at \(hexadecimal(base + offset)): \(text)") }
            return value
        }
        if entry.index == 0 {
            // GCAP 08h, GSTS 1Ch, RTADDR 20h, IRTA B8h (VT-d specification, section 10.4).
            kind = .vtd
            let status = try read(0x18) >> 32, interrupts = try read(0xB8)
            isOn = status >> 31 & 1 == 1 && status >> 25 & 1 == 1
            deviceTable = try read(0x20)
            interruptTable = interrupts & ~0xFFF
            interruptCount = 2 << Int(interrupts & 15)
            isExtended = interrupts >> 11 & 1 == 1
        } else {
            // Device table 00h, control 18h (specification 48882, sections 3.4.1 and 3.4.2).
            kind = .amdVi
            let control = try read(0x18)
            isOn = control & 1 == 1
            deviceTable = try read(0)
            (interruptTable, interruptCount) = (0, 0)
            isExtended = control >> 17 & 1 == 1
        }
    }
}
