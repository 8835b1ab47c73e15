import Platform
import Testing
import UnitSupport

@testable import Loaders

/// What a guest with the TPM is told: by the conditions that Linux's tpm_crb and tpm_tis have, and where its log lies.
@Suite struct TPM2Tests {
    private func platform(_ method: UInt32, log: UInt32 = 0, memory: UInt64 = 64 << 20) -> PlatformDescription {
        var platform = description(memory: memory)
        (platform.tpmMethod, platform.logSize) = (method, log)
        return platform
    }

    private func table(_ platform: PlatformDescription) -> [UInt8]? {
        withMemory(64 << 20) { memory in
            acpiTable("TPM2", platform, in: memory)
        }
    }

    @Test func onlyWhoHasTheTPMHasTheTable() throws {
        #expect(table(platform(0)) == nil)
        for (method, area) in [(6, 0), (7, 0xFED4_0040)] as [(UInt32, UInt64)] {
            let tpm2 = try #require(table(platform(method)))
            // tpm_read_log_acpi wants all 76 bytes.
            #expect(tpm2.count == 76 && tpm2[8] == 4 && little(tpm2, 36, 4) == 0)
            #expect(little(tpm2, 40, 8) == area && little(tpm2, 48, 4) == UInt64(method))
            #expect(little(tpm2, 52, 12) == 0 && little(tpm2, 64, 4) == 0 && little(tpm2, 68, 8) == 0)
        }
    }

    /// With everything else there is, too: tables end before the area does, and the terms before the buffer.
    @Test func itStandsBesideAllOthers() throws {
        var platform = platform(7)
        (platform.hasBus, platform.watchdog) = (true, 60)
        while platform.append(apicID: UInt32(platform.vcpuCount)) {}
        #expect(table(platform) == table(self.platform(7)))
        let aml = buildDSDT(platform), bytes = (0..<aml.count).map { aml.bytes[$0] }
        // Memory32Fixed (ReadWrite, 0xFED40000, 0x5000).
        let registers: [UInt8] = [0x86, 9, 0, 1, 0, 0, 0xD4, 0xFE, 0, 0x50, 0, 0]
        #expect(bytes.indices.contains { bytes[$0...].starts(with: registers) })
        #expect(bytes.indices.contains { bytes[$0...].starts(with: Array("MSFT0101".utf8) + [0]) })
        platform.tpmMethod = 0
        let without = buildDSDT(platform)
        #expect(!(0..<without.count).contains { without.bytes[$0] == 0xD4 } && without.count < aml.count)
    }

    /// In whole pages at the end of low RAM, wherever that is; the memory map does not offer them.
    @Test func itsLogIsReserved() throws {
        for memory in [16 << 20, 64 << 20, 3 << 30, 6 << 30] as [UInt64] {
            let low = min(memory, GuestMemory.lowLimit)
            for size in [1, 0x1000, 0x1001, 0x10000] as [UInt32] {
                let log = platform(7, log: size, memory: memory).eventLog
                #expect(log.upperBound == low && log.lowerBound % 0x1000 == 0)
                #expect(log.count >= size && log.count < Int(size) + 0x1000)
                // Only named, never touched.
                let ram = GuestMemory(base: UnsafeMutableRawPointer(bitPattern: 4096)!, size: memory)
                let map = MemoryMap(ram, hasBus: true, eventLog: log), without = MemoryMap(ram, hasBus: true)
                #expect(map.count == without.count + 1)
                let entries = (0..<map.count).map { map.ranges[$0] }
                for entry in entries where entry.start < log.upperBound && entry.start + entry.size > log.lowerBound {
                    #expect(entry.kind == .reserved && entry.start == log.lowerBound && entry.size == log.count)
                }
                for (a, b) in zip(entries, entries.dropFirst()) { #expect(a.start + a.size <= b.start) }
            }
            #expect(platform(7, memory: memory).eventLog.isEmpty)
        }
        let tpm2 = try #require(table(platform(7, log: 0x1234)))
        #expect(little(tpm2, 64, 4) == 0x1234 && little(tpm2, 68, 8) == 64 << 20 - 0x2000)
    }

    /// The initrd is put below it, and an image that reaches it is refused.
    @Test func noImageReachesTheLog() throws {
        let platform = platform(7, log: 0x10000), log = platform.eventLog
        withMemory(64 << 20, locked: log) { memory in
            #expect(throws: Never.self) {
                _ = try load(bzImage(), initrd: [1, 2, 3], memory: memory, platform: platform)
            }
            #expect(memory.load(UInt32.self, at: LowMemory.startInfo + 0x218) == UInt32(log.lowerBound - 0x1000))
            let last = log.lowerBound - 1 << 20
            #expect(throws: Never.self) {
                try load(bzImage(loadAddress: last, initSize: 1 << 20), memory: memory, platform: platform)
            }
            #expect(throws: LoadError.outsideMemory) {
                try load(bzImage(loadAddress: last, initSize: 1 << 20 + 1), memory: memory, platform: platform)
            }
        }
    }
}
