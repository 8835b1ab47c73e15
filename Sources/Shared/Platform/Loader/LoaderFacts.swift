/// What root mode tells a partition's loader, in the page at `LoaderMemory.facts`. Both programs are built from this file;
/// the first two fields are known to the loader's assembly.
public struct LoaderFacts: BitwiseCopyable, Sendable {
    /// The images' guest-physical address, a multiple of 2 MiB: the kernel, then the initrd in pages of its own.
    public var window: UInt64
    /// Whether a hypercall is VMCALL, 1, or VMMCALL, 0.
    public var isIntel: UInt64
    /// Bytes; 0 where there is no initrd.
    public var kernelSize: UInt64
    public var initrdSize: UInt64
    /// Of what is at `LoaderMemory.secret`; 0 where there is none.
    public var secretSize: UInt64
    public var platform: PlatformDescription
    public private(set) var commandLineCount = 0
    public private(set) var commandLine: InlineArray<2047, UInt8> = .init(repeating: 0)

    /// - Parameter commandLine: its first `count` bytes. No span: one of a local text's has once outlived the bytes that it
    ///   was made of, in optimized code.
    public init<let capacity: Int>(
        platform: PlatformDescription, kernelSize: UInt64, initrdSize: UInt64, secretSize: UInt64 = 0,
        commandLine: borrowing InlineArray<capacity, UInt8>, count: Int, isIntel: Bool
    ) {
        window = LoaderMemory.window(memorySize: platform.memorySize)
        self.isIntel = isIntel ? 1 : 0
        self.kernelSize = kernelSize
        self.initrdSize = initrdSize
        self.secretSize = secretSize
        self.platform = platform
        commandLineCount = min(count, min(capacity, self.commandLine.count))
        for i in 0..<commandLineCount { self.commandLine[i] = commandLine[i] }
    }
}

/// The loader's hypercalls, by the number in EAX. Root mode takes one of them, and only from the boot vCPU while the loader
/// runs.
public enum LoaderCall: UInt32, Sendable {
    /// The image is in memory, and its first instruction is next.
    case finished = 1
    /// The image is refused; EBX is the `LoadError`.
    case refused = 2
}
