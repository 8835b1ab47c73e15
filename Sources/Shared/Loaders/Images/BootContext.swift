import Platform

/// The parts that every boot protocol needs: placing segments, the initrd and the command line, each checked.
@safe
struct BootContext: ~Copyable {
    let initrd: UnsafeRawBufferPointer?
    /// What a further archive behind the initrd has; empty: there is none.
    let secret: UnsafeRawBufferPointer
    let rsdp: UInt64
    let commandLineCount: Int
    let hasBus: Bool
    /// The end of low RAM, which is not the image's; `memory` does not reach it.
    let eventLog: Range<UInt64>

    func map(_ memory: borrowing GuestMemory) -> MemoryMap { MemoryMap(memory, hasBus: hasBus, eventLog: eventLog) }

    /// Refuses a range that is not low RAM or that touches what the hypervisor put into the first MiB.
    static func check(_ start: UInt64, _ size: UInt64, in memory: borrowing GuestMemory) throws(LoadError) {
        guard start <= memory.lowSize, memory.lowSize - start >= size, memory.offset(of: start, count: size) != nil
        else { throw .outsideMemory }
        let end = start + size
        guard size > 0 else { return }
        if start < LowMemory.bootDataEnd || (start < LowMemory.end && end > LowMemory.usableEnd) {
            throw .overlapsBootData
        }
    }

    /// Loads `source` at `start` and clears the rest up to `size` bytes.
    static func place(
        _ source: UnsafeRawBufferPointer, at start: UInt64, size: UInt64, in memory: borrowing GuestMemory
    ) throws(LoadError) {
        guard UInt64(source.count) <= size else { throw .badHeader }
        try check(start, size, in: memory)
        guard unsafe memory.copy(from: source, to: start),
            memory.zero(at: start + UInt64(source.count), count: size - UInt64(source.count))
        else { throw .outsideMemory }
    }

    /// Copies the initrd to the highest whole pages of low RAM below `limit` that lie above `floor`.
    /// - Returns: its address, or 0 when there is none.
    func placeInitrd(
        above floor: UInt64, below limit: UInt64, in memory: borrowing GuestMemory
    ) throws(LoadError) -> UInt64 {
        let top = min(eventLog.lowerBound, limit), size = initrdSize
        guard size > 0 else { return 0 }
        guard size <= top else { throw .initrdDoesNotFit }
        let start = (top - size) & ~0xFFF
        guard start >= max(floor, LowMemory.end) else { throw .initrdDoesNotFit }
        if let initrd = unsafe initrd {
            guard unsafe memory.copy(from: initrd, to: start) else { throw .initrdDoesNotFit }
        }
        if unsafe !secret.isEmpty { unsafe SecretArchive.write(secret, at: start + secretOffset, to: memory) }
        return start
    }

    /// An archive begins at a multiple of 4.
    private var secretOffset: UInt64 { unsafe initrd.map { (UInt64($0.count) + 3) & ~3 } ?? 0 }
    var initrdSize: UInt64 {
        if unsafe !secret.isEmpty { return unsafe secretOffset + SecretArchive.size(of: secret.count) }
        return unsafe initrd.map { UInt64($0.count) } ?? 0
    }
}
