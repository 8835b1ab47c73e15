import Silicon
import Text

/// A 16550 of the machine. What prints while the machine is set up, or as its last words, waits for it; housekeeping never
/// does.
struct SerialPort {
    let base: UInt16
    static let log = SerialPort(base: 0x3F8)
    static let link = SerialPort(base: 0x2F8)

    /// 115200 baud, 8 bits, no parity, FIFOs on, of which eight received bytes ring, or fewer when no more come.
    func initialize() {
        cpu_out8(base + 3, 0x80)
        cpu_out8(base, 1)
        cpu_out8(base + 1, 0)
        cpu_out8(base + 3, 0x03)
        cpu_out8(base + 2, 0x87)
        cpu_out8(base + 4, 0x0B)
        cpu_out8(base + 1, 0)
    }

    /// Whether a port answers at all: an absent one reads as ones.
    var isPresent: Bool { cpu_in8(base + 5) != 0xFF }

    private var canWrite: Bool { cpu_in8(base + 5) & 0x20 != 0 }

    /// Bytes that it takes now: none while it has some to send, then as many as its FIFO holds if it has one.
    var room: Int { canWrite ? (cpu_in8(base + 2) & 0xC0 == 0xC0 ? 16 : 1) : 0 }

    /// Gives it a byte for which there is `room`.
    func put(_ byte: UInt8) { cpu_out8(base, byte) }

    /// The next received byte, nil when there is none.
    func read() -> UInt8? { cpu_in8(base + 5) & 1 != 0 ? cpu_in8(base) : nil }

    /// What rings from here on. Its line falls in between, so that what is so already rings as well: the I/O APIC hears a line
    /// rise and nothing else, and a line that two causes hold up one after the other rises once.
    func ring(received: Bool, room: Bool) {
        cpu_out8(base + 1, 0)
        cpu_out8(base + 1, (received ? 1 : 0) | (room ? 2 : 0))
    }

    /// Waits for room, but not longer than a byte can take: a dead port must not hang the machine.
    private func write(_ byte: UInt8) {
        var polls = 100_000
        while !canWrite && polls > 0 {
            polls -= 1
            openWindow()
        }
        put(byte)
    }

    func print(_ line: borrowing LogLine) {
        for i in 0..<line.text.count { write(line.text.bytes[i]) }
        write(0x0D)
        write(0x0A)
    }
}
