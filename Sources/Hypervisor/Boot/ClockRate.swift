import Silicon

/// The rate of the TSC, measured against the ACPI timer, which counts 24 bits at 3,579,545 Hz (ACPI 6.5, section
/// 4.8.3.3).
enum ClockRate {
    /// TSC ticks a millisecond, over at least 50 ms.
    static func kHz(timerPort: UInt16) -> UInt64 {
        let first = sample(timerPort)
        while (cpu_in32(timerPort) &- first.timer) & 0xFF_FFFF < 178_977 { cpu_pause() }
        let last = sample(timerPort)
        let ticks = UInt64((last.timer &- first.timer) & 0xFF_FFFF)
        return (last.tsc - first.tsc) * 3_579_545 / max(ticks, 1) / 1000
    }

    /// Both clocks at one moment: of several tries the one whose reading took least, so that an interruption in between
    /// (system management mode, or an emulator's host) does not count.
    private static func sample(_ port: UInt16) -> (tsc: UInt64, timer: UInt32) {
        var best: (tsc: UInt64, timer: UInt32) = (0, 0)
        var shortest = UInt64.max
        for _ in 0..<16 {
            let before = cpu_rdtsc()
            let timer = cpu_in32(port)
            let after = cpu_rdtsc()
            if after - before < shortest {
                shortest = after - before
                best = (before + (after - before) / 2, timer)
            }
        }
        return best
    }
}
