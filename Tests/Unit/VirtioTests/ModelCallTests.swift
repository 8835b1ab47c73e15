import Testing
import UnitSupport

@testable import Platform

/// Which accesses of a guest are its device model's.
@Suite struct ModelCallTests {
    private static func port(_ port: UInt16, _ size: Int, isInput: Bool = false) -> PortAccess {
        PortAccess(port: port, size: size, input: isInput)
    }
    /// What an access is where CF8h names the console's configuration space.
    private static func call(_ place: UInt16, _ size: Int, _ value: UInt32 = 0, isInput: Bool = false) throws
        -> ModelCall?
    {
        var bus = GuestBus(hostBridge: 0x29C0_8086, memorySize: 1 << 20)
        try bus.append(.console)
        _ = bus.access(port(0xCF8, 4), value: 0x8000_F840, on: AbsentFunctions())
        return bus.call(for: port(place, size, isInput: isInput), value: value)
    }

    @Test func configurationSpaceIsByItsOwnPortsAlone() throws {
        for place in 0xCFC...0xCFF as ClosedRange<UInt16> {
            let call = try #require(try Self.call(place, 1, 6))
            #expect(call.place == ModelCall.Place.configuration.rawValue && call.isWrite && call.value == 6)
            #expect(call.index == 0 && call.offset == 0x40 + UInt32(place & 3))
        }
        // The reset register, power, the watchdog, the clock, the UART, and whatever else there is.
        var claimed: [UInt16] = []
        for place in stride(from: 0, to: GuestWindows.ports, by: 1) where !(0xCFC...0xCFF ~= place) {
            for size in place < 0x1000 ? [1, 2, 4] : [1] {
                if try Self.call(place, size) != nil { claimed.append(place) }
            }
        }
        #expect(claimed.isEmpty)
    }

    @Test func portsAreThoseOfFunctionsThatAreThere() throws {
        let first = GuestWindows.ports, end = first + UInt16(GuestWindows.virtioPorts)
        #expect(try Self.call(first, 4, isInput: true)?.isWrite == false)
        #expect(try Self.call(end - 1, 1)?.offset == 127)
        #expect(try Self.call(end, 1) == nil)
        #expect(try Self.call(.max, 1) == nil)
    }
}

/// A machine on which no function is.
private struct AbsentFunctions: FunctionAccess {
    func read(_: UInt16, _: Int, size: Int) -> UInt32 { .max }
    func write(_: UInt16, _: Int, size: Int, _: UInt32) {}
    func message(_: UInt16, apicID: UInt32, vector: UInt8) -> (address: UInt64, data: UInt32)? { nil }
    func rest() {}
    func readRegister(_: UInt64, size: Int) -> UInt64 { .max }
    func writeRegister(_: UInt64, size: Int, _: UInt64) {}
}
