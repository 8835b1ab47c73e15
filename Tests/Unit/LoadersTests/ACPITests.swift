import Platform
import Testing
import UnitSupport

@testable import Loaders

@Suite struct ACPITests {
    private struct Tables {
        var bySignature: [String: (at: UInt64, bytes: [UInt8])] = [:]
    }

    /// Follows the pointers as a guest does: RSDP, XSDT, its entries, the FADT's DSDT.
    private func tables(_ platform: PlatformDescription) -> Tables {
        withMemory(16 << 20) { memory in
            let rsdp = writeACPITables(platform, to: memory)
            var found = Tables()
            found.bySignature["RSDP"] = (rsdp, memory.array(at: rsdp, 36) ?? [])
            let xsdt = memory.load(UInt64.self, at: rsdp + 24) ?? 0
            read(xsdt, memory, into: &found)
            for i in 0..<2 as Range<UInt64> {
                read(memory.load(UInt64.self, at: xsdt + 36 + i * 8) ?? 0, memory, into: &found)
            }
            if let fadt = found.bySignature["FACP"] {
                read(memory.load(UInt64.self, at: fadt.at + 140) ?? 0, memory, into: &found)
            }
            return found
        }
    }

    private func read(_ at: UInt64, _ memory: borrowing GuestMemory, into found: inout Tables) {
        let size = memory.load(UInt32.self, at: at + 4) ?? 0
        let bytes = memory.array(at: at, Int(size)) ?? []
        found.bySignature[String(decoding: bytes.prefix(4), as: UTF8.self)] = (at, bytes)
    }

    private func number(_ bytes: [UInt8], _ at: Int, _ size: Int) -> UInt64 {
        (0..<size).reduce(0) { $0 | UInt64(bytes[at + $1]) << (8 * UInt64($1)) }
    }

    @Test func everyTableIsReachableAndSumsToZero() {
        let tables = tables(description(vcpus: Array(0..<64))).bySignature
        #expect(Set(tables.keys) == ["RSDP", "XSDT", "FACP", "APIC", "DSDT"])
        for (name, table) in tables {
            #expect(table.bytes.reduce(0, &+) == 0, "\(name)")
            #expect(table.at >= LowMemory.acpi && table.at + UInt64(table.bytes.count) <= LowMemory.acpiEnd, "\(name)")
            #expect(table.at % 16 == 0, "\(name)")
        }
        #expect(tables["RSDP"]?.bytes.prefix(20).reduce(0, &+) == 0)
        let ranges = tables.values.map { $0.at..<$0.at + UInt64($0.bytes.count) }.sorted {
            $0.lowerBound < $1.lowerBound
        }
        for (a, b) in zip(ranges, ranges.dropFirst()) { #expect(a.upperBound <= b.lowerBound) }
    }

    @Test func fadtIsHardwareReduced() throws {
        let fadt = try #require(tables(description()).bySignature["FACP"]).bytes
        #expect(fadt.count == 276)
        #expect(fadt[8] == 6)
        #expect(number(fadt, 112, 4) == 0x10_0431)
        #expect(fadt[108] == 0x32)
        #expect(number(fadt, 109, 2) == 0x24)
        #expect(Array(fadt[116..<129]) == [1, 8, 0, 1, 0xF9, 0x0C, 0, 0, 0, 0, 0, 0, 6])
        #expect(Array(fadt[244..<256]) == [1, 8, 0, 1, 0x04, 0x06, 0, 0, 0, 0, 0, 0])
        #expect(Array(fadt[256..<268]) == [1, 8, 0, 1, 0x05, 0x06, 0, 0, 0, 0, 0, 0])
    }

    @Test func madtNamesTheCores() throws {
        let madt = try #require(tables(description(vcpus: [2, 300])).bySignature["APIC"]).bytes
        #expect(madt.count == 44 + 2 * 16)
        #expect(number(madt, 36, 4) == 0xFEE0_0000)
        #expect(number(madt, 40, 4) == 0)
        #expect(Array(madt[44..<60]) == [9, 16, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])
        #expect(Array(madt[60..<76]) == [9, 16, 0, 0, 0x2C, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0])
    }

    /// The AML, byte by byte as ACPI 6.5 chapter 20 has it; iasl disassembles it to the same terms.
    @Test func dsdt() throws {
        let powerOff: [UInt8] = [
            0x08, 0x5C, 0x5F, 0x53, 0x35, 0x5F,  // Name (\_S5_,
            0x12, 0x4B, 0x00, 0x04, 0x0A, 5, 0x0A, 5, 0x0A, 0, 0x0A, 0,  // Package (4) {5, 5, 0, 0})
        ]
        let panic: [UInt8] =
            [0x5B, 0x82, 0x49, 0x02] + Array("PEVT".utf8)  // Device (PEVT)
            + [0x08] + Array("_HID".utf8) + [0x0D] + Array("QEMU0001".utf8) + [0]
            + [0x08] + Array("_CRS".utf8) + [0x11, 0x4E, 0x00, 0x0A, 10]  // Buffer (10)
            + [0x47, 1, 5, 5, 5, 5, 1, 1, 0x79, 0]  // IO (Decode16, 505h, 505h, 1, 1), end tag
        let uart: [UInt8] =
            [0x5B, 0x82, 0x4B, 0x02] + Array("COM1".utf8)  // Device (COM1)
            + [0x08] + Array("_HID".utf8) + [0x0C, 0x41, 0xD0, 0x05, 0x01]  // EisaId ("PNP0501")
            + [0x08] + Array("_UID".utf8) + [0x0A, 0]
            + [0x08] + Array("_CRS".utf8) + [0x11, 0x4E, 0x00, 0x0A, 10]  // Buffer (10)
            + [0x47, 1, 0xF8, 3, 0xF8, 3, 1, 8, 0x79, 0]  // IO (Decode16, 3F8h, 3F8h, 1, 8), end tag
        // Scope (\_SB_), with the length of what is in it and of itself.
        func scope(_ devices: [UInt8]) -> [UInt8] {
            let length = devices.count + 7
            return [0x10, 0x40 | UInt8(length & 0xF), UInt8(length >> 4)] + Array("\\_SB_".utf8) + devices
        }
        let with = try #require(tables(description(console: true)).bySignature["DSDT"]).bytes
        let without = try #require(tables(description(console: false)).bySignature["DSDT"]).bytes
        #expect(Array(without.dropFirst(36)) == powerOff + scope(panic))
        #expect(Array(with.dropFirst(36)) == powerOff + scope(panic + uart))
    }
}
