import Manifest
import Silicon

/// The firmware's map of memory as it was when the machine was looked at (UEFI 2.10, section 7.2.3).
struct FirmwareMemoryMap {
    /// Where it lies, with room for `capacity` bytes.
    let buffer: UInt64
    static let capacity: UInt64 = 0x10000
    /// Bytes of it, and from one descriptor to the next.
    private let size: UInt64
    private let stride: UInt64

    init(_ firmware: borrowing Firmware) throws(Refusal) {
        buffer = try firmware.allocate(Self.capacity, .anywhere)
        let found = try firmware.memoryMap(buffer: buffer, size: Self.capacity)
        (size, stride) = (found.size, found.stride)
    }

    /// Calls `found` with the type and the addresses of each descriptor, and whether firmware reaches for it while guests run.
    func forEach(_ found: (UInt32, Range<UInt64>, Bool) -> Void) {
        var at = buffer
        while at + stride <= buffer + size {
            let descriptor = Pointer<EFI_MEMORY_DESCRIPTOR>(at: at)
            let start = descriptor.value.PhysicalStart
            let (end, isBeyond) = start.addingReportingOverflow(descriptor.value.NumberOfPages << 12)
            found(descriptor.value.Type, start..<(isBeyond ? .max : end), descriptor.value.Attribute >> 63 == 1)
            at += stride
        }
    }

    /// What is installed, and what is free for partitions: conventional memory of at least 1 MiB upwards.
    func describe(in facts: inout MachineFacts) {
        forEach { type, range, _ in
            let size = range.upperBound - range.lowerBound
            // Loader, boot services and conventional memory make up what is installed (table 7.10).
            if (1...7).contains(type) || (9...10).contains(type) { facts.installedMemory += size }
            if type == 7 && range.lowerBound >= 0x10_0000 {
                facts.free.add(MemoryRange(base: range.lowerBound, size: size))
            }
        }
    }
}
