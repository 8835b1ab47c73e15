import PCI

/// What the model of a guest's functions reaches of the machine, and nothing else: configuration space, the pages in which
/// the functions' MSI-X tables lie, and the messages that interrupt remapping lets through.
public protocol FunctionAccess: ConfigurationSpace {
    /// The message with which `function` raises `vector`, 16 to 255, on the core with `apicID`.
    /// - Returns: nil when that core is none of the partition's.
    func message(_ function: UInt16, apicID: UInt32, vector: UInt8) -> (address: UInt64, data: UInt32)?

    /// Reads a device's register at a physical address, always inside a page that an MSI-X table touches and inside the BAR
    /// that has it; naturally aligned.
    /// - Parameter size: bytes: 1, 2, 4 or 8.
    func readRegister(_ address: UInt64, size: Int) -> UInt64
    /// Writes one, within the same bounds.
    func writeRegister(_ address: UInt64, size: Int, _ value: UInt64)
}

/// Why a function cannot be shown to a guest.
public enum GuestBusError: Error, Equatable, Sendable {
    /// The bus has `GuestBus.capacity` functions.
    case full
    /// A bridge, or no function at all.
    case notAnEndpoint
    /// A BAR whose size is not a power of two, that has no address, or whose address is not aligned to its size.
    case badBAR
    /// The windows for BARs have no room.
    case noAddresses
    /// Virtual functions of a function that cannot have any, or more than the bus has numbers for.
    case virtualFunctions
}
