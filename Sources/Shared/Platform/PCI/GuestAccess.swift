import PCI

/// What the model of a guest's functions reaches of the machine, and nothing else: configuration space, registers in the pages
/// that the functions' MSI-X tables and an xHCI controller's legacy support touch, inside the BAR that has them (when it is
/// added, the controller's capabilities too, wherever they are in BAR 0), and the messages that interrupt remapping lets through.
public protocol FunctionAccess: ConfigurationSpace, RegisterAccess {
    /// The message with which `function` raises `vector`, 16 to 255, on the core with `apicID`.
    /// - Returns: nil when that core is none of the partition's.
    func message(_ function: UInt16, apicID: UInt32, vector: UInt8) -> (address: UInt64, data: UInt32)?
    /// Called at least between two pieces of 64 writes of long work.
    func rest()
}

/// Why a function cannot be shown to a guest.
public enum GuestBusError: Error, Equatable, Sendable {
    /// The bus has `GuestBus.capacity` functions.
    case full
    /// A bridge, or no function at all.
    case notAnEndpoint
    /// A BAR whose size is not a power of two, that has no address, or whose address is not aligned to its size.
    case badBAR
    /// An xHCI controller whose list of capabilities cannot be followed.
    case badCapabilities
    /// The windows for BARs have no room.
    case noAddresses
    /// Virtual functions of a function that cannot have any, or more than the bus has numbers for.
    case virtualFunctions
}
