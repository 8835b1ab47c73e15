/// What one partition's virtual machine consists of, as far as its guest is told.
public struct PlatformDescription: BitwiseCopyable, Sendable {
    public static let maxVCPUs = 64

    /// The APIC ids of the cores that the vCPUs are, the first `vcpuCount` of them.
    public private(set) var apicIDs: InlineArray<64, UInt32>
    public private(set) var vcpuCount = 0
    /// Bytes of RAM.
    public var memorySize: UInt64
    /// Whether there is a UART at 3F8h.
    public var console: Bool
    /// Whether the guest owns PCI functions, and so sees a root bridge.
    public var hasBus = false
    /// Seconds that the guest has for its watchdog's first kick; 0: it has none. (The loader gets these bytes as they are:
    /// nothing of a stack may be in between.)
    public var watchdog: UInt16 = 0
    /// Frequency of the time-stamp counter.
    public var tscKHz: UInt32
    /// Seconds since 1970-01-01 UTC at the moment at which the guest's `bootTSC` was read.
    public var bootTime: UInt64
    /// The time-stamp counter at `bootTime`.
    public var bootTSC: UInt64
    /// The start method of the TPM that the guest has (ACPI table TPM2): 6 or 7; 0: it has none.
    public var tpmMethod: UInt32 = 0
    /// Bytes of the firmware's event log, which lies behind the images in the loader's window; 0: there is none.
    public var logSize: UInt32 = 0

    public init(memorySize: UInt64, console: Bool, tscKHz: UInt32, bootTime: UInt64, bootTSC: UInt64 = 0) {
        apicIDs = InlineArray(repeating: 0)
        self.memorySize = memorySize
        (self.console, self.tscKHz, self.bootTime, self.bootTSC) = (console, tscKHz, bootTime, bootTSC)
    }

    /// Of a core without a guest.
    public static var none: PlatformDescription { .init(memorySize: 0, console: false, tscKHz: 0, bootTime: 0) }

    /// Appends a vCPU; false, and nothing changed, when there are `maxVCPUs` already.
    @discardableResult
    public mutating func append(apicID: UInt32) -> Bool {
        guard vcpuCount < Self.maxVCPUs else { return false }
        apicIDs[vcpuCount] = apicID
        vcpuCount += 1
        return true
    }
}
