import Control
import Manifest
import Platform
import Silicon
import Text
import Trust

extension VCPURunner {
    /// Hashes the partition's images on its own core, which maps them read-only, as no other does at all: what is held against the
    /// manifest here is what the loader sees. Partitions do so side by side.
    /// - Returns: nil where they are what the manifest names, or it names nothing.
    @inline(never)
    mutating func verifyImages() -> StateCause? {
        let state = partition
        #if FAULT_INJECTION
            if BootFault.isBlind(state.value.spec.cores) { cpu_ud2() }
        #endif
        // One that stays closed is its guest's to ask for; another one is nobody's.
        if let wanted = state.value.spec.secret, state.value.secret.size > 0, digest(of: state.value.secret) != wanted {
            return refuse(state.value.spec.sealedPath)
        }
        guard let digests = state.value.spec.digests else {
            state.value.controlPage.print(
                LogLine(partition: state.value.spec.name, ": images not verified: the manifest has no digests"))
            return nil
        }
        let start = cpu_rdtsc(), kernel = state.value.kernel, initrd = state.value.initrd
        guard digest(of: kernel) == digests.kernel else { return refuse(state.value.spec.image) }
        guard digest(of: initrd) == digests.initrd else { return refuse(state.value.spec.initrd) }
        guard digest(of: state.value.sites) == digests.sites else { return refuse(state.value.spec.image) }
        let milliseconds = (cpu_rdtsc() - start) / UInt64(state.value.platform.tscKHz)
        var line = LogLine(partition: state.value.spec.name, ": images verified, ")
        line.write(
            "%d bytes in %d ms; reading took %d ms", kernel.size + initrd.size, milliseconds,
            (kernel.readTicks + initrd.readTicks) / UInt64(state.value.platform.tscKHz))
        state.value.controlPage.print(line)
        return nil
    }

    private mutating func digest(of file: LoadedFile) -> Digest384 {
        var hash = SHA384()
        var done: UInt64 = 0
        // A block takes some 6,300 instructions; firmware's SMIs wait for two.
        while true {
            if isClean { mustStandStill() }
            openWindow()
            guard done < file.size else { return hash.finish() }
            let piece = min(file.size - done, 256)
            unsafe hash.put(bytes(file.address + done, piece))
            done += piece
        }
    }

    private func refuse(_ image: borrowing ImagePath) -> StateCause {
        var line = LogLine("bulkhead: image ", image, " of partition ")
        line.write(partition.value.spec.name)
        line.write(" is not what the manifest names")
        partition.value.controlPage.print(line)
        return .badImage
    }
}
