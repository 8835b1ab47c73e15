import Silicon
import Text

/// A 16550 of the machine, polled.
struct SerialPort {
    let base: UInt16
    static let log = SerialPort(base: 0x3F8)
    static let link = SerialPort(base: 0x2F8)

    /// 115200 baud, 8 bits, no parity, FIFOs on. `interrupts` lets received bytes raise the port's interrupt line.
    func initialize(interrupts: Bool) {
        cpu_out8(base + 3, 0x80)
        cpu_out8(base, 1)
        cpu_out8(base + 1, 0)
        cpu_out8(base + 3, 0x03)
        cpu_out8(base + 2, 0x07)
        cpu_out8(base + 4, 0x0B)
        cpu_out8(base + 1, interrupts ? 1 : 0)
    }

    /// Whether a port answers at all: an absent one reads as ones.
    var isPresent: Bool { cpu_in8(base + 5) != 0xFF }

    var canWrite: Bool { cpu_in8(base + 5) & 0x20 != 0 }

    /// The next received byte, nil when there is none.
    func read() -> UInt8? { cpu_in8(base + 5) & 1 != 0 ? cpu_in8(base) : nil }

    /// Waits for room, but not longer than a byte can take: a dead port must not hang the machine.
    func write(_ byte: UInt8) {
        var polls = 100_000
        while !canWrite && polls > 0 {
            polls -= 1
            openWindow()
        }
        cpu_out8(base, byte)
    }

    func print(_ line: borrowing LogLine) {
        for i in 0..<line.text.count { write(line.text.bytes[i]) }
        write(0x0D)
        write(0x0A)
    }
}
