import Silicon
import X86

/// The rates of clocks, measured against other ones.
enum ClockRate {
    /// TSC ticks a millisecond.
    static func kHz(_ tables: borrowing FirmwareTables) throws(Refusal) -> UInt64 {
        var kHz = tables.timerPort != 0 ? byPowerManagementTimer(tables.timerPort) : 0
        if kHz == 0 { kHz = byIntervalTimer() }
        if kHz == 0 { kHz = TimeStampRate.kHz(nativeCPUID) ?? 0 }
        guard kHz > 0 else {
            throw Refusal(
                "neither ACPI's timer nor the 8254 counts, and the processor does not tell its rate (CPUID 15h)")
        }
        return kHz
    }

    /// No clock takes so many TSC ticks for what it is asked here: 50 ms take 4 s at 1 GHz.
    private static let limit: UInt64 = 1 << 32

    /// Against one countdown of the 8254's counter 2, 65,535 ticks at 1,193,182 Hz (8254 datasheet, mode 0; its gate and
    /// output are bits 0 and 5 of port 61h). 0 when it does not end.
    private static func byIntervalTimer() -> UInt64 {
        cpu_out8(0x61, cpu_in8(0x61) & ~2 | 1)
        cpu_out8(0x43, 0xB0)
        cpu_out8(0x42, 0xFF)
        cpu_out8(0x42, 0xFF)
        let start = cpu_rdtsc()
        var now = start
        while cpu_in8(0x61) & 0x20 == 0 {
            now = cpu_rdtsc()
            if now - start > limit { return 0 }
        }
        return (now - start) * 1_193_182 / 65_535 / 1000
    }

    /// Of the timer of this core's local APIC before its divider, in kHz, over at least 10 ms against the TSC. It stops.
    static func timerKHz(tscKHz: UInt64) -> UInt32 {
        cpu_wrmsr(0x83E, 0b1011)  // by 1
        cpu_wrmsr(0x832, 0x10000)
        cpu_wrmsr(0x838, 0xFFFF_FFFF)
        func sample() -> (tsc: UInt64, timer: UInt32) { Self.sample { UInt32(truncatingIfNeeded: cpu_rdmsr(0x839)) } }
        let first = sample()
        while cpu_rdtsc() - first.tsc < tscKHz * 10 { cpu_pause() }
        let last = sample()
        cpu_wrmsr(0x838, 0)
        return UInt32(clamping: UInt64(first.timer &- last.timer) * tscKHz / max(last.tsc - first.tsc, 1))
    }

    /// Over at least 50 ms against the ACPI timer, which counts 24 bits at 3,579,545 Hz (ACPI 6.5, section 4.8.3.3). 0 when
    /// it stands still.
    private static func byPowerManagementTimer(_ timerPort: UInt16) -> UInt64 {
        let first = sample { cpu_in32(timerPort) }
        while (cpu_in32(timerPort) &- first.timer) & 0xFF_FFFF < 178_977 {
            guard cpu_rdtsc() - first.tsc < limit else { return 0 }
            cpu_pause()
        }
        let last = sample { cpu_in32(timerPort) }
        let ticks = UInt64((last.timer &- first.timer) & 0xFF_FFFF)
        return (last.tsc - first.tsc) * 3_579_545 / max(ticks, 1) / 1000
    }

    /// Both clocks at one moment: of several tries the one whose reading took least, so that an interruption in between
    /// (system management mode, or an emulator's host) does not count.
    @inline(never)
    private static func sample(_ read: () -> UInt32) -> (tsc: UInt64, timer: UInt32) {
        var best: (tsc: UInt64, timer: UInt32) = (0, 0)
        var shortest = UInt64.max
        for _ in 0..<16 {
            let before = cpu_rdtsc()
            let timer = read()
            let after = cpu_rdtsc()
            if after - before < shortest {
                shortest = after - before
                best = (before + (after - before) / 2, timer)
            }
        }
        return best
    }
}
