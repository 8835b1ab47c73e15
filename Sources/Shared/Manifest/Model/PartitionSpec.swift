import Resources
import Text
import Trust

/// A partition's or machine's name. The decoder demands printable ASCII; the tool, a letter and then `a-z 0-9 -`.
public typealias Label = Text<31>
/// A path below `\BULKHEAD` on the boot volume, with `/` between its parts; the decoder demands printable ASCII.
public typealias ImagePath = Text<63>
/// What the guest gets as its command line: printable ASCII. Linux takes 2,047 bytes; as a value such a line costs the compiler
/// minutes and the boot stack 200 KiB.
public typealias CommandLine = Text<2047>

/// What happens when a guest powers off, reboots or crashes.
public enum LifecycleAction: UInt8, Sendable {
    /// The partition stays stopped, its memory cleared.
    case stop = 0
    /// Memory is cleared, the image loaded anew, the guest started.
    case restart = 1
}

/// Weaknesses that a partition's owner accepts by name.
public struct Acceptances: FlagSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// Another owner has the other thread of one of the partition's physical cores (SMT).
    public static let splitSMT = Acceptances(rawValue: 1 << 0)
    /// Caches and bandwidth are shared with neighbours where the machine cannot divide them.
    public static let sharedCache = Acceptances(rawValue: 1 << 1)
    public static let all = splitSMT | sharedCache
}

/// Virtio functions that root mode shows a guest.
public struct VirtioGrants: FlagSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// The console, beside the UART.
    public static let console = VirtioGrants(rawValue: 1 << 0)
    /// A port whose other end is the management server: the partition's programs may ask what managers may.
    public static let control = VirtioGrants(rawValue: 1 << 1)
    public static let all = console | control
}

/// The SHA-384 digests of a partition's images.
public struct ImageDigests: Equatable, Sendable {
    /// Of what the watch knows of the kernel; of no bytes where there is no watch.
    public var sites = Digest384()
    public var kernel = Digest384()
    /// That of no bytes where there is no initrd.
    public var initrd = Digest384()
    public init() {}
}

/// One partition as its owner wants it.
public struct PartitionSpec: Sendable {
    public var name = Label()
    /// Guest vCPU n is the n-th lowest core of this set.
    public var cores = CoreSet()
    /// Bytes; a multiple of 2 MiB, at least 16 MiB.
    public var memorySize: UInt64 = 0
    /// First physical address, 2 MiB aligned; 0 lets the hypervisor choose.
    public var memoryBase: UInt64 = 0
    public var image = ImagePath()
    /// Linux only; empty when there is none.
    public var initrd = ImagePath()
    public var commandLine = CommandLine()
    /// Whether the guest is shown a UART at 3F8h.
    public var console = true
    /// Whether the partition's guest is started with the machine.
    public var autostart = true
    public var onPoweroff = LifecycleAction.stop
    public var onReboot = LifecycleAction.restart
    public var onCrash = LifecycleAction.stop
    public var permits = ControlOperations()
    public var devices = DeviceList(unused: DeviceSpec())
    public var accepts = Acceptances()
    /// Seconds that the guest has for its watchdog's first kick, at most `Manifest.maxWatchdog`; 0: it has no watchdog.
    public var watchdog: UInt16 = 0
    /// How often within an hour a guest that has ended is started anew; 0: without a limit.
    public var restartLimit: UInt8 = 0
    public var watch = WatchSpec()
    public var virtio = VirtioGrants()
    /// Whether the guest has the machine's TPM, which nobody else has.
    public var tpm = false
    /// How many channels have an end here: the manifest says which.
    public internal(set) var wireCount = 0
    /// What the images are; without it whatever lies on the boot volume is started.
    public var digests: ImageDigests?
    /// The SHA-384 of what the machine's TPM opens for the guest; nil: nothing.
    public var secret: Digest384?
    /// Cache, bandwidth and a memory key.
    public var resources = ResourceDemand()
    public init() {}

    /// Where the secret's sealed file lies (`TPMCommandList`).
    public var sealedPath: ImagePath {
        var path = ImagePath()
        path.writePrintable(name)
        path.write(".sealed")
        return path
    }

    /// Whether the guest sees a PCI bus.
    public var hasBus: Bool { devices.count > 0 || hasModel }
    /// Whether there are functions on it that a device model stands for.
    public var hasModel: Bool { !virtio.isEmpty || wireCount > 0 }
    /// The nested tables in which its kernel is locked: of memory, and of each bus.
    public var watchedTables: Int { watch.response == .off ? 0 : 1 + (hasBus ? cores.count : 1) }
}
