import Text

/// A 16550A UART (National Semiconductor PC16550D data sheet) without an interrupt line: sending takes no time, and the
/// guest polls, so IIR says what an interrupt would have been for.
public struct UART: Sendable {
    private enum InterruptEnable {
        static let received: UInt8 = 1 << 0
        static let transmitterEmpty: UInt8 = 1 << 1
        static let modem: UInt8 = 1 << 3
    }

    private var interruptEnable: UInt8 = 0
    private var lineControl: UInt8 = 0
    private var modemControl: UInt8 = 0
    /// Bits 0-3 of MSR: which lines changed since it was read.
    private var modemDelta: UInt8 = 0
    private var scratch: UInt8 = 0
    private var divisor: UInt16 = 1
    private var fifoEnabled = false
    private var transmitterEmptyPending = false
    /// The receive FIFO.
    private var input = BoundedList<16, UInt8>(unused: 0)

    public init() {}

    private var divisorLatch: Bool { lineControl & 0x80 != 0 }
    private var loop: Bool { modemControl & 1 << 4 != 0 }

    /// Reads a register.
    /// - Parameter register: 0 to 7; above, all ones.
    @inline(__always)
    public mutating func read(_ register: UInt8) -> UInt8 {
        // What drivers ask for before each byte.
        register == 5 ? lineStatus : readOther(register)
    }

    /// Transmitter and its holding register empty, and whether there is data.
    private var lineStatus: UInt8 { 0x60 | (input.count == 0 ? 0 : 1) }

    @inline(never)
    private mutating func readOther(_ register: UInt8) -> UInt8 {
        switch register {
        case 0: divisorLatch ? UInt8(truncatingIfNeeded: divisor) : takeInput()
        case 1: divisorLatch ? UInt8(truncatingIfNeeded: divisor >> 8) : interruptEnable
        case 2: identifyInterrupt()
        case 3: lineControl
        case 4: modemControl
        case 5: lineStatus
        case 6: takeModemStatus()
        case 7: scratch
        default: 0xFF
        }
    }

    /// Writes a register.
    /// - Returns: the byte that leaves the UART, if one does.
    @inline(__always)
    public mutating func write(_ register: UInt8, _ value: UInt8) -> UInt8? {
        if register == 0, !divisorLatch { return transmit(value) }
        writeOther(register, value)
        return nil
    }

    @inline(never)
    private mutating func writeOther(_ register: UInt8, _ value: UInt8) {
        switch register {
        case 0: divisor = divisor & 0xFF00 | UInt16(value)
        case 1 where divisorLatch: divisor = divisor & 0xFF | UInt16(value) << 8
        case 1:
            // Enabling this interrupt while the register is empty, as it always is, raises it.
            if value & ~interruptEnable & InterruptEnable.transmitterEmpty != 0 { transmitterEmptyPending = true }
            interruptEnable = value & 0x0F
        case 2:
            let enabled = value & 1 != 0
            if enabled != fifoEnabled || (enabled && value & 2 != 0) { input = BoundedList(unused: 0) }
            fifoEnabled = enabled
        case 3: lineControl = value
        case 4:
            let before = modemLines
            modemControl = value & 0x1F
            noteModemChange(from: before)
        case 7: scratch = value
        default: break  // LSR and MSR are read-only
        }
    }

    /// Takes a byte from the other end of the line; false when there is no room or the loop is closed.
    public mutating func receive(_ byte: UInt8) -> Bool { !loop && accept(byte) }

    /// Without the FIFO there is room for one byte.
    private mutating func accept(_ byte: UInt8) -> Bool { (fifoEnabled || input.count == 0) && input.append(byte) }

    /// The oldest byte; 0 when there is none.
    private mutating func takeInput() -> UInt8 {
        guard input.count > 0 else { return 0 }
        defer { input.remove(at: 0) }
        return input[0]
    }

    @inline(__always)
    private mutating func transmit(_ byte: UInt8) -> UInt8? {
        transmitterEmptyPending = true
        guard loop else { return byte }
        _ = accept(byte)
        return nil
    }

    /// IIR: the most urgent condition that is enabled; reading it answers "transmitter empty".
    private mutating func identifyInterrupt() -> UInt8 {
        let fifos: UInt8 = fifoEnabled ? 0xC0 : 0
        if interruptEnable & InterruptEnable.received != 0, input.count > 0 { return fifos | 0x04 }
        if interruptEnable & InterruptEnable.transmitterEmpty != 0, transmitterEmptyPending {
            transmitterEmptyPending = false
            return fifos | 0x02
        }
        if interruptEnable & InterruptEnable.modem != 0, modemDelta != 0 { return fifos | 0x00 }
        return fifos | 0x01
    }

    /// Bits 4-7 of MSR. In the loop CTS, DSR, RI and DCD are RTS, DTR, OUT1 and OUT2; else the other end is ready.
    private var modemLines: UInt8 {
        guard loop else { return 0xB0 }
        let out = modemControl
        return (out & 2) << 3 | (out & 1) << 5 | (out & 4) << 4 | (out & 8) << 4
    }

    private mutating func noteModemChange(from before: UInt8) {
        let changed = before ^ modemLines
        // The ring indicator counts only when it goes away.
        modemDelta |= changed >> 4 & 0b1011 | (before & ~modemLines) >> 4 & 0b0100
    }

    private mutating func takeModemStatus() -> UInt8 {
        let status = modemLines | modemDelta
        modemDelta = 0
        return status
    }
}
