import Platform
import Testing
import UnitSupport

@testable import Loaders

/// The watchdog action table, carried out as a driver does: Linux's wdat_wdt, by the conditions that it has for a table.
@Suite struct WDATTests {
    private struct Entry {
        var action, instruction: UInt8
        var port: UInt64
        var value, mask: UInt64
    }

    private func table(_ seconds: UInt16, hasBus: Bool = false) -> [UInt8]? {
        withMemory(16 << 20) { memory in
            var platform = description()
            platform.watchdog = seconds
            platform.hasBus = hasBus
            return acpiTable("WDAT", platform, in: memory)
        }
    }

    @Test func onlyWhoHasAWatchdogHasTheTable() {
        #expect(table(0) == nil && table(0, hasBus: true) == nil)
        #expect(table(60) != nil && table(60, hasBus: true) == table(60))
    }

    /// What Linux demands: no PCI device, enabled, counts in order, entries in I/O space by bytes, none of the clock's ports.
    @Test func itIsOneThatLinuxTakes() throws {
        let wdat = try #require(table(60))
        #expect(little(wdat, 36, 4) == 32 && little(wdat, 40, 2) == 0xFF)
        #expect(wdat[42] == 0xFF && wdat[43] == 0xFF && wdat[44] == 0xFF)
        #expect(little(wdat, 48, 4) >= 1 && little(wdat, 56, 4) <= little(wdat, 52, 4) && wdat[60] & 1 == 1)
        #expect(little(wdat, 64, 4) == 5 && wdat.count == 68 + 5 * 24)
        for at in stride(from: 68, to: wdat.count, by: 24) {
            #expect(wdat[at + 4...at + 7] == [1, 8, 0, 1] && !(0x70...0x73).contains(little(wdat, at + 8, 8)))
        }
    }

    /// Its actions do to the model what their names say.
    @Test func itsActionsDoWhatTheySay() throws {
        let wdat = try #require(table(60)), period = little(wdat, 48, 4)
        var platform = description()
        platform.watchdog = 60
        var devices = LegacyDevices(platform), now: UInt64 = 1
        let rate = UInt64(platform.tscKHz) * 1000
        func run(_ action: UInt8, _ count: UInt64 = 0) -> UInt64? {
            var result: UInt64?
            for at in stride(from: 68, to: wdat.count, by: 24) where wdat[at] == action {
                let entry = Entry(
                    action: action, instruction: wdat[at + 1], port: little(wdat, at + 8, 8),
                    value: little(wdat, at + 16, 4),
                    mask: little(wdat, at + 20, 4))
                let isRead = entry.instruction == 0
                let value = entry.instruction == 3 ? count & entry.mask : entry.value & entry.mask
                let access = PortAccess(port: UInt16(entry.port), size: 1, input: isRead)
                let answer = devices.access(access, value: UInt32(value), tsc: now)
                result = isRead ? (UInt64(answer.value) & entry.mask == entry.value ? 1 : 0) : value
            }
            return result
        }
        #expect(run(8) == 0, "not running yet")
        #expect(run(9) != nil && run(8) == 1)
        #expect(run(6, 30_000 / period) == 30)
        now = 7
        #expect(run(1) != nil)
        let deadline = devices.watchdog.deadline
        #expect(deadline == 7 + 30 * rate)
        #expect(run(11) != nil && run(8) == 0)
        for optional in [UInt8(4), 5, 16, 17, 32, 33] { #expect(run(optional) == nil) }
    }
}
