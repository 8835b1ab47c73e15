import Platform

/// The watchdog action table (Microsoft, Hardware Watchdog Timers Design Specification 1.0, sections 3 and 4): how a driver
/// makes `Watchdog` do what it wants, access by access.
func writeWDAT(at address: UInt64, to memory: borrowing GuestMemory) -> UInt64 {
    var table = TableWriter("WDAT", revision: 1, at: address, in: memory)
    table.put(32 as UInt32, in: memory)  // bytes of the rest of the header
    table.put(0xFF as UInt16, in: memory)  // no PCI segment,
    table.put(0xFFFF as UInt16, in: memory)  // bus or device
    table.put(0xFF as UInt32, in: memory)  // or function
    table.put(1000 as UInt32, in: memory)  // milliseconds of a count
    table.put(255 as UInt32, in: memory)  // the most counts
    table.put(1 as UInt32, in: memory)  // the fewest
    table.put(1 as UInt32, in: memory)  // flags: enabled; it does not stop in sleep, of which there is none
    table.put(5 as UInt32, in: memory)  // entries
    table.action(.reset, .writeValue, 0, 1, in: memory)
    table.action(.setCountdown, .writeCountdown, 1, 0, in: memory)
    table.action(.getRunning, .readValue, 0, 1, in: memory)
    table.action(.setRunning, .writeValue, 0, 1, in: memory)
    table.action(.setStopped, .writeValue, 0, 0, in: memory)
    return table.seal(in: memory)
}

/// Section 4.2: what a driver wants.
private enum WatchdogAction: UInt8 { case reset = 1, setCountdown = 6, getRunning = 8, setRunning = 9, setStopped = 11 }
/// Section 4.3: how it does that.
private enum WatchdogInstruction: UInt8 { case readValue = 0, writeValue = 2, writeCountdown = 3 }

extension TableWriter {
    fileprivate mutating func action(
        _ action: WatchdogAction, _ instruction: WatchdogInstruction, _ register: UInt16, _ value: UInt32,
        in memory: borrowing GuestMemory
    ) {
        put(action.rawValue, in: memory)
        put(instruction.rawValue, in: memory)
        put(0 as UInt16, in: memory)
        ioRegister(PortNumber.watchdog + register, in: memory)
        put(value, in: memory)
        put(0xFF as UInt32, in: memory)  // mask
    }
}
