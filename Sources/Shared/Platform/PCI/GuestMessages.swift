import PCI

/// Bits of MSI's message control register (PCI Local Bus 3.0, section 6.8.1.3).
enum MSIControl {
    static let enable: UInt16 = 1
    /// The address has 64 bits.
    static let wide: UInt32 = 1 << 7
    /// Each vector can be masked.
    static let maskable: UInt32 = 1 << 8
}

/// What a message means that a guest wants its function to send (Intel SDM volume 3, section 11.11; AMD APM volume 2,
/// section 16.11): only an edge with fixed delivery to one core that is named by its APIC id.
public struct GuestMessage: Equatable, Sendable {
    public var apicID: UInt32
    public var vector: UInt8

    /// nil: anything else.
    public init?(addressLow: UInt32, addressHigh: UInt32, data: UInt32) {
        // Redirection hint and destination mode are 0. Bit 14 says "assert", which an edge ignores.
        guard addressHigh == 0, addressLow & 0xFFF0_001F == 0xFEE0_0000, data & ~0x40FF == 0, data & 0xFF >= 16 else {
            return nil
        }
        // Bits 14:8 of the id are where KVM and Hyper-V put them.
        apicID = addressLow >> 12 & 0xFF | addressLow << 3 & 0x7F00
        vector = UInt8(truncatingIfNeeded: data)
    }
}

/// A guest's MSI registers: one message.
struct GuestMSI: Sendable {
    var control: UInt16 = 0
    var addressLow: UInt32 = 0
    var addressHigh: UInt32 = 0
    var data: UInt32 = 0

    /// - Parameter wide: whether the address has 64 bits.
    mutating func write(_ relative: Int, _ value: UInt32, mask: UInt32, wide: Bool) {
        switch relative {
        case 0:
            if mask & UInt32(MSIControl.enable) << 16 != 0 {
                control = UInt16(truncatingIfNeeded: value >> 16) & MSIControl.enable
            }
        case 4: addressLow = (addressLow & ~mask | value & mask) & ~3
        case 8 where wide: addressHigh = addressHigh & ~mask | value & mask
        default: data = (data & ~mask | value & mask) & 0xFFFF
        }
    }
}

extension GuestFunction {
    /// What the device is to send where the guest wants these registers' message.
    func translate(_ low: UInt32, _ high: UInt32, _ data: UInt32, on machine: borrowing some FunctionAccess)
        -> (address: UInt64, data: UInt32)?
    {
        guard let wanted = GuestMessage(addressLow: low, addressHigh: high, data: data) else { return nil }
        return machine.message(requester, apicID: wanted.apicID, vector: wanted.vector)
    }

    /// Gives the device the guest's message, or none.
    func updateMSI(on machine: borrowing some FunctionAccess) {
        let offset = capabilities.first(.msi)
        guard let item = capabilities.item(at: offset)?.item else { return }
        let wide = item.length == 14
        guard msi.control & MSIControl.enable != 0,
            let message = translate(msi.addressLow, msi.addressHigh, msi.data, on: machine),
            wide || message.address >> 32 == 0
        else {
            machine.write(requester, offset + 2, size: 2, 0)
            return
        }
        MSI.enable(
            requester, at: offset, isWide: wide, address: message.address, data: message.data, on: machine)
    }

    /// MSI off; no vector masked, because the guest is not told that it could mask them.
    func resetMSI(on machine: borrowing some FunctionAccess) {
        let offset = capabilities.first(.msi)
        guard let item = capabilities.item(at: offset)?.item else { return }
        let control = machine.read(requester, offset + 2, size: 2)
        machine.write(requester, offset + 2, size: 2, 0)
        if control & MSIControl.maskable != 0 {
            machine.write(requester, offset + (item.length == 14 ? 16 : 12), size: 4, 0)
        }
    }
}
