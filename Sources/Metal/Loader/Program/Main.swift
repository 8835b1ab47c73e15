import LoaderEntry
import Loaders
import Platform

/// Loads the partition's image and becomes its guest, or says why not. Runs in guest mode, in the partition's own memory:
/// an image that takes this program over has gained what the image may have anyway.
@c(loader_main)
func loaderMain() -> Never {
    let facts = readFacts()
    closeSealedEnds(facts)
    do throws(LoadError) {
        let entry = try load(facts)
        #if FAULT_INJECTION
            stay(facts)
        #endif
        enter_guest(
            entry.mode == .long64 ? 0 : 1, entry.rip, UInt32(truncatingIfNeeded: entry.rax),
            UInt32(truncatingIfNeeded: entry.rbx), UInt32(truncatingIfNeeded: entry.rsi))
    } catch { refuse_image(UInt32(error.rawValue)) }
}

/// Root mode has written them before the first instruction.
private func readFacts() -> LoaderFacts {
    unsafe UnsafePointer<LoaderFacts>(bitPattern: UInt(LoaderMemory.facts)).unsafelyUnwrapped.pointee
}

private func load(_ facts: borrowing LoaderFacts) throws(LoadError) -> GuestEntry {
    let kernelEnd = LoaderMemory.aligned(facts.kernelSize), size = facts.platform.memorySize
    let imagesEnd = kernelEnd + LoaderMemory.aligned(facts.initrdSize), logSize = UInt64(facts.platform.logSize)
    guard imagesEnd + logSize <= LoaderMemory.windowLimit else { throw .outsideMemory }
    let initrd = LoaderMemory.windowAddress + kernelEnd, log = facts.platform.eventLog
    let base = unsafe UnsafeMutableRawPointer(bitPattern: UInt(LoaderMemory.memoryAddress)).unsafelyUnwrapped
    // Behind the images; no image reaches where it is put.
    _ = unsafe GuestMemory(base: base, size: size)
        .copy(from: bytes(LoaderMemory.windowAddress + imagesEnd, logSize), to: log.lowerBound)
    // The window is mapped read-only, with as many bytes as the facts say; memory is this partition's alone.
    return try unsafe loadGuest(
        kernel: bytes(LoaderMemory.windowAddress, facts.kernelSize),
        initrd: facts.initrdSize > 0 ? bytes(initrd, facts.initrdSize) : nil,
        secret: bytes(LoaderMemory.secret, min(facts.secretSize, 64)),
        commandLine: facts.commandLine.span.extracting(0..<facts.commandLineCount), platform: facts.platform,
        memory: GuestMemory(base: base, size: size, locked: [log, 0..<0, 0..<0]))
}

#if FAULT_INJECTION
    /// Only in the test's build, where the command line ends with "loader=stays": the image starts without the hypercall, and
    /// has what an image has that took the loader over.
    private func stay(_ facts: borrowing LoaderFacts) {
        let word: StaticString = "loader=stays"
        let start = facts.commandLineCount - word.utf8CodeUnitCount
        guard start >= 0 else { return }
        for i in 0..<word.utf8CodeUnitCount where unsafe facts.commandLine[start + i] != word.utf8Start[i] { return }
        unsafe UnsafeMutablePointer<UInt32>(bitPattern: UInt(LoaderMemory.facts) + 8).unsafelyUnwrapped.pointee = 2
    }
#endif

func bytes(_ address: UInt64, _ count: UInt64) -> UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: UInt(address)), count: Int(count))
}
