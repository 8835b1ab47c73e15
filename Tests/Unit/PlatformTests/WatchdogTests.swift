import Platform
import Testing
import UnitSupport

@Suite struct WatchdogTests {
    private var devices: LegacyDevices

    init() { devices = Self.make(60) }

    private static func make(_ seconds: UInt16) -> LegacyDevices {
        var platform = PlatformDescription(memorySize: 1 << 30, console: true, tscKHz: 1000, bootTime: 0)
        platform.watchdog = seconds
        return LegacyDevices(platform)
    }

    private mutating func output(_ port: UInt16, _ value: UInt32, tsc: UInt64 = 0, size: Int = 1) -> DeviceEvent {
        devices.access(PortAccess(port: port, size: size, input: false), value: value, tsc: tsc).event
    }
    private mutating func input(_ port: UInt16, size: Int = 1) -> UInt32 {
        devices.access(PortAccess(port: port, size: size, input: true), value: 0, tsc: 0).value
    }

    /// It runs from the guest's first instruction on, with the manifest's time for the first kick and then the guest's own.
    @Test mutating func itRunsFromTheStart() {
        let before = input(0x508)
        devices.watchdog.start(tsc: 1000)
        let running = input(0x508), seconds = input(0x509), first = devices.watchdog.deadline
        #expect(before == 0 && running == 1 && seconds == 60 && first == 1000 + 60_000_000)
        let longer = output(0x509, 200), unchanged = devices.watchdog.deadline
        #expect(longer == .none && unchanged == first)
        let kick = output(0x508, 1, tsc: 5000), kicked = devices.watchdog.deadline
        #expect(kick == .kick && kicked == 5000 + 200_000_000)
        let shortest = output(0x509, 0), again = output(0x508, 1, tsc: 7000), soon = devices.watchdog.deadline
        #expect(shortest == .none && again == .kick && soon == 7000 + 1_000_000)
    }

    @Test(arguments: [UInt32(0), 2, 3, 0x80, 0xFF]) mutating func allElseStopsIt(_ value: UInt32) {
        devices.watchdog.start(tsc: 1)
        let stop = output(0x508, value, tsc: 2), running = input(0x508)
        #expect(stop == .kick && running == 0 && devices.watchdog.deadline == 0)
    }

    @Test mutating func wideAccessesDoNotReachIt() {
        devices.watchdog.start(tsc: 1)
        let deadline = devices.watchdog.deadline
        for (port, size) in [(UInt16(0x506), 4), (0x507, 2), (0x507, 4), (0x508, 2), (0x508, 4), (0x509, 2)] {
            let event = output(port, 0, tsc: 9, size: size), read = input(port, size: size)
            #expect(event == .none && read == (size == 4 ? 0xFFFF_FFFF : 0xFFFF))
        }
        #expect(devices.watchdog.deadline == deadline)
    }

    @Test mutating func whoHasNoneSeesNothing() {
        devices = Self.make(0)
        devices.watchdog.start(tsc: 1)
        let kick = output(0x508, 1, tsc: 5), seconds = output(0x509, 9), a = input(0x508), b = input(0x509)
        #expect(kick == .none && seconds == .none && a == 0xFF && b == 0xFF && devices.watchdog.deadline == 0)
    }

    /// A first time of up to an hour; the guest's own register has a byte.
    @Test mutating func theFirstTimeMayBeLong() {
        devices = Self.make(3600)
        devices.watchdog.start(tsc: 0)
        let first = devices.watchdog.deadline, seconds = input(0x509)
        #expect(first == 3600 * 1_000_000 && seconds == 255)
    }
}
