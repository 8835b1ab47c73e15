import Testing

@testable import Platform

@Suite struct UARTTests {
    private var uart = UART()

    /// The steps by which drivers tell an 8250, a 16450, a 16550A and its successors apart.
    @Test mutating func isDetectedAsA16550A() {
        _ = uart.write(1, 0)
        #expect(uart.read(1) & 0x0F == 0)
        _ = uart.write(1, 0xFF)
        #expect(uart.read(1) == 0x0F)  // no sleep mode, no extensions
        _ = uart.write(1, 0)

        _ = uart.write(2, 0x01)
        #expect(uart.read(2) >> 6 == 3)  // a FIFO that works
        _ = uart.write(3, 0x80)
        _ = uart.write(2, 0x21)
        #expect(uart.read(2) >> 5 == 6)  // but not 64 bytes
        _ = uart.write(3, 0xBF)
        #expect(uart.read(2) != 0)  // no enhanced feature register
        _ = uart.write(3, 0)
        _ = uart.write(7, 0xA5)
        #expect(uart.read(7) == 0xA5)
    }

    @Test mutating func loopback() {
        _ = uart.write(4, 0x1A)
        #expect(uart.read(6) & 0xF0 == 0x90)
        _ = uart.write(4, 0x15)
        #expect(uart.read(6) & 0xF0 == 0x60)
        #expect(uart.write(0, 0x77) == nil)
        #expect(uart.read(5) & 1 == 1)
        #expect(uart.receive(0x11) == false)
        #expect(uart.read(0) == 0x77)
        _ = uart.write(4, 0x0B)
        #expect(uart.write(0, 0x77) == 0x77)
    }

    @Test mutating func modemStatusTellsWhatChangedOnce() {
        #expect(uart.read(6) == 0xB0)
        _ = uart.write(4, 0x1B)  // DTR, RTS, OUT2 in the loop: the same lines as before
        #expect(uart.read(6) == 0xB0)
        _ = uart.write(4, 0x1E)  // RI up, DTR down
        #expect(uart.read(6) == 0xD2)
        _ = uart.write(4, 0x1A)  // RI down
        #expect(uart.read(6) == 0x94)
        #expect(uart.read(6) == 0x90)
    }

    @Test mutating func divisorLatchHidesTheData() {
        _ = uart.write(3, 0x83)
        #expect(uart.write(0, 0x0C) == nil)
        _ = uart.write(1, 0x34)
        #expect(uart.read(0) == 0x0C)
        #expect(uart.read(1) == 0x34)
        _ = uart.write(3, 0x03)
        #expect(uart.read(1) == 0)
        #expect(uart.write(0, 0x0C) == 0x0C)
    }

    @Test mutating func fifoHolds16BytesInOrder() {
        #expect(uart.receive(1) == true)
        #expect(uart.receive(2) == false)  // without the FIFO there is room for one
        #expect(uart.read(0) == 1)
        _ = uart.write(2, 1)
        for round in 0..<3 as Range<UInt8> {
            for i in 0..<16 as Range<UInt8> { #expect(uart.receive(round * 16 + i) == true) }
            #expect(uart.receive(99) == false)
            for i in 0..<16 as Range<UInt8> { #expect(uart.read(0) == round * 16 + i) }
            #expect(uart.read(5) == 0x60)
        }
        #expect(uart.receive(5) == true)
        _ = uart.write(2, 3)
        #expect(uart.read(5) == 0x60)
    }

    /// A driver that polls goes by IIR alone.
    @Test mutating func identifiesWhatIsPending() {
        #expect(uart.read(2) == 0x01)
        _ = uart.write(1, 0x02)
        #expect(uart.read(2) == 0x02)
        #expect(uart.read(2) == 0x01)  // reading it answered it
        _ = uart.write(0, 0x41)
        _ = uart.write(1, 0x03)
        #expect(uart.receive(1) == true)
        #expect(uart.read(2) == 0x04)
        #expect(uart.read(2) == 0x04)
        _ = uart.read(0)
        #expect(uart.read(2) == 0x02)
        _ = uart.write(1, 0x00)
        #expect(uart.receive(1) == true)
        #expect(uart.read(2) == 0x01)
        _ = uart.write(1, 0x08)
        _ = uart.write(4, 0x10)
        #expect(uart.read(2) == 0x00)
        _ = uart.read(6)
        #expect(uart.read(2) == 0x01)
    }
}
