/// Why a guest image was refused, in the loader's words for root mode. Nothing of a refused image runs.
public enum LoadError: UInt8, Error, Sendable {
    case memoryTooSmall, memoryMismatch, unknownFormat, truncated, tooManyHeaders, badHeader, wrongMachine
    case noBootProtocol, no64BitEntry, outsideMemory, overlapping, overlapsBootData, entryOutsideImage
    case commandLineTooLong, initrdDoesNotFit, unsupportedRequirement, nothingToLoad, loaderFailed

    /// One line for the owner of the manifest.
    public var reason: StaticString {
        switch self {
        case .memoryTooSmall: "the partition has less than 16 MiB of memory"
        case .memoryMismatch: "the platform description and the memory differ in size"
        case .unknownFormat: "the image is neither a Linux kernel, an ELF file nor a multiboot image"
        case .truncated: "the image ends before what its headers announce"
        case .tooManyHeaders: "the image has more program headers or notes than are accepted"
        case .badHeader: "a header of the image contradicts itself"
        case .wrongMachine: "the image is not for an x86 processor"
        case .noBootProtocol: "the ELF file has no Linux note, no PVH note and no multiboot header"
        case .no64BitEntry: "the Linux kernel has no 64-bit entry point"
        case .outsideMemory: "the image wants to be loaded where the partition has no memory"
        case .overlapping: "two segments of the image overlap in memory"
        case .overlapsBootData: "the image wants memory that holds the boot data or the ACPI tables"
        case .entryOutsideImage: "the entry point is not within the loaded image"
        case .commandLineTooLong: "the command line is longer than the kernel accepts"
        case .initrdDoesNotFit: "the initrd does not fit above the kernel"
        case .unsupportedRequirement: "the multiboot header requires a feature that is not provided"
        case .nothingToLoad: "the image has nothing to load"
        case .loaderFailed: "the loader failed on the image"
        }
    }
}
