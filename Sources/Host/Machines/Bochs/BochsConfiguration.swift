/// A machine's `bochsrc`.
struct BochsConfiguration {
    var emulator: Emulator
    var disk: BootDisk
    /// TCP ports on the loopback interface.
    var com1: UInt16
    var com2: UInt16
    /// Where Bochs writes what it notices.
    var log: String

    /// Instructions a second by which the machine's clocks are driven. A time stamp counter of 50 MHz is about what the
    /// host carries, so that the machine's seconds are not much longer than ours when one processor is busy.
    static let instructionsPerSecond = 50_000_000
    /// Instructions of one processor before the next has its turn: the most that Bochs takes. The fewer turns, the less time goes
    /// into changing between them, and into processors that sleep.
    static let quantum = 32
    /// Bochs takes no more of the host's memory for the machine's, and keeps the rest in a file.
    static let maxHostMebibytes: UInt64 = 2048

    var text: String {
        let memory = emulator.memory >> 20
        let lines = [
            "config_interface: textconfig",
            // The only display that wants neither a window nor a terminal. It waits for no viewer.
            "display_library: rfb, options=\"timeout=0\"",
            "cpu: model=\(emulator.processor), count=\(emulator.cores), ips=\(Self.instructionsPerSecond), "
                + "quantum=\(Self.quantum), reset_on_triple_fault=0",
            "memory: guest=\(memory), host=\(min(memory, Self.maxHostMebibytes))",
            "romimage: file=\"\(emulator.firmware.path)\", address=0xffe00000",
            "vgaromimage: file=\"\(Bochs.video.path)\"",
            "pci: enabled=1, chipset=i440fx",
            "ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14",
            "ata0-master: type=disk, path=\"\(disk.path)\", mode=flat, cylinders=\(disk.cylinders), "
                + "heads=\(BootDisk.heads), spt=\(BootDisk.sectorsPerTrack)",
            "boot: disk",
            "com1: enabled=1, mode=socket-client, dev=127.0.0.1:\(com1)",
            "com2: enabled=1, mode=socket-client, dev=127.0.0.1:\(com2)",
            "sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy",
            "speaker: enabled=0",
            "clock: sync=none",
            "log: \"\(log)\"",
            // A guest can provoke what is merely informative as often as it likes.
            "info: action=ignore",
            "error: action=report",
            "panic: action=fatal",
        ]
        return (lines + emulator.extra).joined(separator: "\n") + "\n"
    }
}
