import Records
import Text

extension CrashRegion {
    /// The most that `\BULKHEAD\crash.bin` keeps, bytes: a file that is so large is begun anew.
    private static let fileLimit: UInt64 = 256 << 10

    /// Collects what an earlier boot has left, and makes a region for this one.
    static func prepare(_ firmware: borrowing Firmware, _ entryTSC: UInt64) -> CrashRegion {
        let earlier = find()
        // Before anything is allocated: some firmware clears what it gives away.
        let isCollected = earlier?.collect(firmware) ?? true
        var region = CrashRegion(firmware, after: earlier)
        (region.entryTSC, region.bootTime) = (entryTSC, firmware.unixTime())
        if region.base == 0 {
            BootLog.print(LogLine("bulkhead: no memory for crash records: the second MiB is taken"))
        } else if isCollected || region.base != earlier?.base {
            region.clear()
        }
        region.sign()
        return region
    }

    /// Puts the records on the log and behind those in `\BULKHEAD\crash.bin`; false when the boot volume does not take them,
    /// and they stay to be found again. It only reads: nothing there is ours before the firmware gives it away.
    private func collect(_ firmware: borrowing Firmware) -> Bool {
        var isCollected = true
        do throws(Refusal) {
            var file: BootVolume.Appending?
            for slot in 0..<Self.size / UInt64(CrashRecord.size) {
                let record = Pointer<CrashRecord>(at: base + slot * UInt64(CrashRecord.size))
                guard CrashRecord.mayBegin(with: record.value.words[0]), record.value.isValid else { continue }
                record.value.print()
                if file == nil { file = try BootVolume(firmware).append(to: "crash.bin", limit: Self.fileLimit) }
                try file?.write(record.address, UInt64(CrashRecord.size))
            }
            file?.close()
        } catch {
            var line = LogLine("bulkhead: crash records stay in memory: ")
            error.describe(to: &line)
            BootLog.print(line)
            isCollected = false
        }
        return isCollected
    }
}

extension CrashRecord {
    fileprivate func print() {
        var line = LogLine("bulkhead: crash record found: ", kind?.name ?? "of a kind unknown")
        if let core { line.write(", core %d", UInt64(core)) }
        if !partition.isEmpty {
            line.write(", partition ")
            line.write(partition)
        }
        if let vcpu { line.write(", vCPU %d", UInt64(vcpu)) }
        if hasFrame {
            line.write(", vector %d, at image+%x", UInt64(vector), self[.imageOffset])
        } else if kind == .deviceFault {
            line.write(", requester %x, address %x", UInt64(requester), self[.detail])
        } else if hasGuest {
            line.write(", at %x", self[.guestRIP])
        }
        BootLog.print(line)
    }
}
