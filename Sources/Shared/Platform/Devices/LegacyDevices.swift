/// What the hypervisor has to do after a port access.
public enum DeviceEvent: Equatable, Sendable {
    case none
    /// #GP(0).
    case refused
    /// The guest sent this byte to its console.
    case transmit(UInt8)
    case reset
    case powerOff
    /// The guest's kernel has given up and said so.
    case panic
    /// The guest has kicked its watchdog, or stopped it.
    case kick
}

/// What a guest reads, in the low bytes, and what follows from its access.
public struct PortAnswer: Equatable, Sendable {
    public var value: UInt32
    public var event: DeviceEvent
}

/// The devices of a partition that live in I/O space: UART, real-time clock, keyboard controller, watchdog and what ends the machine.
public struct LegacyDevices: Sendable {
    public var uart = UART()
    public var watchdog: Watchdog
    private var rtc: RTC
    private let console: Bool

    public init(_ platform: borrowing PlatformDescription) {
        rtc = RTC(platform)
        watchdog = Watchdog(platform)
        console = platform.console
    }

    /// Carries out one access. What is not granted reads as ones and ignores writes; string forms, which move memory and
    /// are of use with none of the platform's ports, are refused.
    /// - Parameters:
    ///   - value: what an OUT writes, in the low bytes; ignored by an IN.
    ///   - tsc: the time-stamp counter now.
    public mutating func access(_ access: PortAccess, value: UInt32, tsc: UInt64) -> PortAnswer {
        if access.isString { return PortAnswer(value: 0, event: .refused) }
        var answer = PortAnswer(value: 0, event: .none)
        for i in 0..<min(access.size, 4) {
            let shift = UInt32(i * 8)
            let byte = self.access(
                byte: access.port &+ UInt16(i), of: access.size, access.isInput,
                UInt8(truncatingIfNeeded: value >> shift), tsc)
            answer.value |= byte.value << shift
            // No access of several bytes reaches two registers that cause events.
            if byte.event != .none { answer.event = byte.event }
        }
        return answer
    }

    /// Takes a byte of console input. False when the guest must read some first, or has no console; offer it again.
    public mutating func receive(_ byte: UInt8) -> Bool { console && uart.receive(byte) }

    private mutating func access(
        byte port: UInt16, of size: Int, _ input: Bool, _ value: UInt8, _ tsc: UInt64
    ) -> PortAnswer {
        let refused = PortAnswer(value: 0xFF, event: .none)
        guard let (device, register) = PortPolicy.device(at: port, size: size) else { return refused }
        switch device {
        case .uart:
            guard console else { return refused }
            if input { return PortAnswer(value: UInt32(uart.read(register)), event: .none) }
            if let sent = uart.write(register, value) { return PortAnswer(value: 0, event: .transmit(sent)) }
        case .rtc:
            if input { return PortAnswer(value: UInt32(register == 0 ? 0xFF : rtc.read(tsc: tsc)), event: .none) }
            if register == 0 { rtc.select(value) } else { rtc.write(value) }
        case .keyboard:
            // Status: both buffers empty. A command F0h-FFh pulses the lines whose bits are clear; bit 0 is reset.
            if !input, value & 0xF1 == PortNumber.keyboardReset & 0xF1 { return PortAnswer(value: 0, event: .reset) }
        case .reset:
            // Bit 2 starts the reset whose kind bits 1 and 3 choose.
            if !input, value & 1 << 2 != 0 { return PortAnswer(value: 0, event: .reset) }
        case .sleep:
            // SLP_TYP in bits 2-4, SLP_EN in bit 5 (ACPI 6.5, 4.8.3.7). There is no other state than S5 to enter.
            if !input, register == 0, value & 1 << 5 != 0, value >> 2 & 7 == PortNumber.powerOffSleepType {
                return PortAnswer(value: 0, event: .powerOff)
            }
        case .panic:
            if input { return PortAnswer(value: UInt32(PortNumber.panicked), event: .none) }
            if value & PortNumber.panicked != 0 { return PortAnswer(value: 0, event: .panic) }
        case .watchdog:
            guard let read = watchdog.read(register) else { return refused }
            if input { return PortAnswer(value: UInt32(read), event: .none) }
            if watchdog.write(register, value, tsc: tsc) { return PortAnswer(value: 0, event: .kick) }
        }
        return PortAnswer(value: 0, event: .none)
    }
}
