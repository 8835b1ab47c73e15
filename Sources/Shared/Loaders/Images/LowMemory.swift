/// What the loader puts into a guest's first MiB before the image's first instruction. Images may use what is left.
public enum LowMemory {
    /// Boot data, one page each but for the tables; free for the guest once it has read them.
    public static let bootData: UInt64 = 0x1000
    public static let gdt: UInt64 = 0x1000
    /// Linux's `boot_params`, PVH's start info or multiboot's information structure.
    public static let startInfo: UInt64 = 0x2000
    /// The lists to which PVH's and multiboot's structures point.
    public static let memoryMap: UInt64 = 0x3000
    public static let modules: UInt64 = 0x3800
    public static let commandLine: UInt64 = 0x4000
    public static let commandLineCapacity = 0x1000
    /// Grows down from here, to `0x7000`.
    public static let stackTop: UInt64 = 0x8000
    /// The instructions that lead from the loader to the image.
    public static let handover: UInt64 = 0x8000
    /// PML4, PDPT and four page directories: 4 GiB mapped one to one.
    public static let pageTables: UInt64 = 0x9000
    public static let bootDataEnd: UInt64 = 0xF000

    /// The end of the RAM below 640 KiB that the map offers; the rest up to `end` is not RAM to the guest.
    public static let usableEnd: UInt64 = 0x9F000
    /// ACPI tables, the RSDP first, where a scan of the BIOS area finds it too (ACPI 6.5, 5.2.5.1).
    public static let acpi: UInt64 = 0xE0000
    public static let acpiEnd: UInt64 = 0xF0000
    /// Where a processor starts after a reset.
    public static let resetStub: UInt64 = 0xFFFF0
    public static let end: UInt64 = 0x10_0000
}
