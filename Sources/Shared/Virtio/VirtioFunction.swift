import Platform
import Synchronization
import WireSeal

extension VirtioKind {
    /// The number of its type of device (virtio 1.2, chapter 5): a port's is the console's.
    var deviceType: UInt32 { UInt32(rawValue & 0xFF) }

    /// PCI class code and revision: Ethernet controller, RAM controller, or another communication controller.
    var classCode: UInt32 {
        switch self {
        case .network: 0x0200_0001
        case .sharedMemory: 0x0500_0001
        default: 0x0780_0001
        }
    }
}

/// A modern virtio function on a guest's bus (virtio 1.2, section 4.1): all its registers are ports of one I/O BAR, so that an
/// access is one exit and none has to be stepped; MSI-X, which PCI wants in memory, has a page that is trapped.
public struct VirtioFunction: ~Copyable, Sendable {
    /// As in `GuestFunction`: keeps the value in memory.
    private let inMemory = Atomic<Bool>(true)
    public let kind: VirtioKind
    /// First of its ports, and the page of MSI-X; of shared memory, where that is.
    let ports: UInt16
    let page: UInt64
    /// VIRTIO_F_VERSION_1, VIRTIO_F_EVENT_IDX and the kind's own.
    let offered: UInt64
    private let queueCount: Int
    /// The kind's configuration (section 4.1.4.6).
    var configuration: [3 of UInt32]

    // What the guest has written.
    var command: UInt16 = 0
    /// Bit n: all ones were written to BAR n.
    var sizing: UInt8 = 0
    var vectors = VirtioVectors()
    var queues = InlineArray<4, VirtioQueue>(repeating: VirtioQueue())
    /// Of a port, what driver and device have agreed on.
    var port = VirtioPort()
    /// Of the console, whether something was sent since the driver reset it.
    var hasPrinted = false
    private(set) var status: UInt8 = 0
    private var features: UInt64 = 0
    private var deviceSelect: UInt32 = 0, driverSelect: UInt32 = 0
    private var queueSelect: UInt16 = 0
    private var configurationVector = VirtioQueue.noVector
    private var interruptStatus: UInt32 = 0

    /// As when a guest starts.
    /// - Parameter index: which of its bus' functions it is.
    init(_ description: ModelFunction, index: Int) {
        kind = VirtioKind(rawValue: description.kind) ?? .none
        ports = GuestWindows.ports + UInt16(index * GuestWindows.virtioPorts)
        page = description.page
        queueCount = kind == .port ? 4 : 2
        let own = kind == .network ? VirtioFeature.network : kind == .port ? VirtioFeature.multiport : 0
        offered = own | VirtioFeature.version1 | VirtioFeature.eventIndex
        let mac = description.mac
        let mtu = description.isSealed ? max(Int(description.mtu) - SealLayout.overhead, 0) : Int(description.mtu)
        configuration = [UInt32(truncatingIfNeeded: mac), UInt32(mac >> 32 & 0xFFFF), UInt32(mtu) << 16]
        // How many ports there are at the most.
        if kind == .port { configuration[1] = 1 }
    }

    /// As the driver resets it (section 2.4).
    private mutating func resetDevice() {
        queues = InlineArray(repeating: VirtioQueue())
        port = VirtioPort()
        hasPrinted = false
        status = 0
        features = 0
        vectors.clearPending()
        (deviceSelect, driverSelect, queueSelect, interruptStatus) = (0, 0, 0, 0)
        configurationVector = VirtioQueue.noVector
    }

    /// Whether the driver is ready, the device may reach memory and nothing has gone wrong.
    public var isLive: Bool { status & 0x4C == 0x0C && command & Command.busMaster != 0 }
    /// Whether what comes is for it: see the console.
    var isInUse: Bool { isLive && (kind != .console || hasPrinted) }
    var hasEvents: Bool { features & VirtioFeature.eventIndex != 0 }
    var hasPorts: Bool { features & VirtioFeature.multiport != 0 }

    /// Stops the device until the driver resets it.
    mutating func fail() {
        status |= VirtioStatus.needsReset
        announceConfiguration()
    }

    /// Tells the driver that the configuration is another one.
    mutating func announceConfiguration() { raise(configurationVector, 2) }

    mutating func raise(_ vector: UInt16, _ reason: UInt32) {
        if vectors.isEnabled { vectors.raise(vector) } else { interruptStatus |= reason }
    }

    /// The next interrupt for a core of the guest's; it is asked until there is none, at most `VirtioVectors.count` times.
    public mutating func nextInterrupt() -> GuestMessage? {
        command & Command.busMaster == 0 ? nil : vectors.next()
    }

    /// The register at `offset` of the BAR, 0 to 127, in `size` bytes: 1, 2 or 4, and aligned.
    mutating func read(_ offset: Int, size: Int) -> UInt32 {
        readDouble(offset & ~3) >> UInt32((offset & 3) * 8) & UInt32.max >> UInt32(32 - size * 8)
    }

    private mutating func readDouble(_ offset: Int) -> UInt32 {
        let queue = Int(queueSelect)
        switch offset {
        case 0x00: return deviceSelect
        case 0x04: return deviceSelect < 2 ? UInt32(truncatingIfNeeded: offered >> UInt64(deviceSelect * 32)) : 0
        case 0x08: return driverSelect
        case 0x0C: return driverSelect < 2 ? UInt32(truncatingIfNeeded: features >> UInt64(driverSelect * 32)) : 0
        case 0x10: return UInt32(configurationVector) | UInt32(queueCount) << 16
        case 0x14: return UInt32(status) | UInt32(queueSelect) << 16
        case 0x18: return queue < queueCount ? UInt32(queues[queue].size) | UInt32(queues[queue].vector) << 16 : 0
        case 0x1C: return queue < queueCount && queues[queue].isEnabled ? 1 : 0
        case 0x20..<0x38: return queue < queueCount ? queues[queue].address(offset - 0x20) : 0
        case VirtioLayout.configuration..<VirtioLayout.configuration + 12:
            return configuration[(offset - VirtioLayout.configuration) / 4]
        case VirtioLayout.interruptStatus:
            defer { interruptStatus = 0 }
            return interruptStatus
        default: return 0
        }
    }

    /// Writes a register, in the width that it has (section 4.1.3.1); other accesses are ignored.
    mutating func write(_ offset: Int, size: Int, _ value: UInt32) {
        let queue = Int(queueSelect), half = UInt16(truncatingIfNeeded: value)
        switch (offset, size) {
        case (0x00, 4): deviceSelect = value
        case (0x08, 4): driverSelect = value
        case (0x0C, 4) where driverSelect < 2 && status & VirtioStatus.featuresOK == 0:
            let shift = UInt64(driverSelect * 32)
            features = features & ~(0xFFFF_FFFF << shift) | UInt64(value) << shift
        case (0x10, 2): configurationVector = vector(half)
        case (0x14, 1): writeStatus(UInt8(truncatingIfNeeded: value))
        case (0x16, 2): queueSelect = half
        case (0x18, 2) where queue < queueCount: queues[queue].resize(half)
        case (0x1A, 2) where queue < queueCount: queues[queue].vector = vector(half)
        case (0x1C, 2) where queue < queueCount && half == 1: queues[queue].enable()
        case (0x20..<0x38, 4) where queue < queueCount && offset & 3 == 0:
            queues[queue].setAddress(offset - 0x20, value)
        default: return
        }
    }

    private func vector(_ value: UInt16) -> UInt16 { value < VirtioVectors.count ? value : VirtioQueue.noVector }

    /// Bits are added one after the other; features are taken when they were offered, and then stay (section 3.1.1).
    private mutating func writeStatus(_ value: UInt8) {
        guard value != 0 else { return resetDevice() }
        var new = status | value & 0x8F
        if features & ~offered != 0 || features & VirtioFeature.version1 == 0 { new &= ~VirtioStatus.featuresOK }
        status = new
    }
}

/// Bits of the device status (virtio 1.2, section 2.1).
enum VirtioStatus {
    static let featuresOK: UInt8 = 8
    static let needsReset: UInt8 = 64
}

/// Features that drivers and devices agree on (virtio 1.2, chapter 6).
enum VirtioFeature {
    static let version1: UInt64 = 1 << 32
    static let eventIndex: UInt64 = 1 << 29
    /// VIRTIO_NET_F_MTU, _MAC and _STATUS: none that changes frames.
    static let network: UInt64 = 1 << 3 | 1 << 5 | 1 << 16
    /// VIRTIO_CONSOLE_F_MULTIPORT.
    static let multiport: UInt64 = 1 << 1
}
