import Foundation
import Platform
import Testing
import UnitSupport

@testable import Loaders

/// The tables of a guest with PCI functions, judged by ACPICA's compiler.
@Suite struct RootBridgeTests {
    private func tables(memory size: UInt64 = 64 << 20, hasBus: Bool) -> (dsdt: [UInt8], mcfg: [UInt8]?) {
        withMemory(64 << 20) { memory in
            var platform = description(memory: size)
            platform.hasBus = hasBus
            let rsdp = writeACPITables(platform, to: memory)
            let xsdt = table(memory.load(UInt64.self, at: rsdp + 24) ?? 0, memory)
            var dsdt: [UInt8] = [], mcfg: [UInt8]?
            for entry in stride(from: 36, to: xsdt.count, by: 8) {
                let at = xsdt[entry..<entry + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
                let found = table(at, memory)
                if found.starts(with: Array("FACP".utf8)) {
                    dsdt = table(memory.load(UInt64.self, at: at + 140) ?? 0, memory)
                }
                if found.starts(with: Array("MCFG".utf8)) { mcfg = found }
            }
            return (dsdt, mcfg)
        }
    }

    private func table(_ at: UInt64, _ memory: borrowing GuestMemory) -> [UInt8] {
        memory.array(at: at, Int(memory.load(UInt32.self, at: at + 4) ?? 0)) ?? []
    }

    @Test func configurationSpaceIsAnnounced() throws {
        let mcfg = try #require(tables(hasBus: true).mcfg)
        #expect(mcfg.count == 60)
        #expect(mcfg.reduce(0, &+) == 0)
        #expect(mcfg[36...] == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xE0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        #expect(tables(hasBus: false).mcfg == nil)
    }

    @Test func configurationSpaceIsReserved() {
        for size in [64 << 20, 6 << 30] as [UInt64] {
            let memory = GuestMemory(base: UnsafeMutableRawPointer(bitPattern: 4096)!, size: size)
            let with = MemoryMap(memory, hasBus: true)
            let without = MemoryMap(memory, hasBus: false)
            #expect(with.count == without.count + 1)
            let reserved = (0..<with.count).filter { with.ranges[$0].start == 0xE000_0000 }
            #expect(reserved.count == 1)
            #expect(with.ranges[reserved[0]].size == 1 << 20 && with.ranges[reserved[0]].kind == .reserved)
            for i in 1..<with.count {
                let before = with.ranges[i - 1]
                #expect(before.start + before.size <= with.ranges[i].start)
            }
        }
    }

    /// What iasl says of a DSDT, disassembled and compiled again.
    private func iasl(_ table: [UInt8]) throws -> (source: String, report: String, status: Int32) {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bulkhead-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(table).write(to: folder.appendingPathComponent("dsdt.aml"))
        func run(_ arguments: [String]) throws -> (String, Int32) {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/iasl")
            process.arguments = arguments
            process.currentDirectoryURL = folder
            let pipe = Pipe()
            process.standardOutput = pipe
            process.standardError = pipe
            try process.run()
            let output = pipe.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            return (String(decoding: output, as: UTF8.self), process.terminationStatus)
        }
        _ = try run(["-d", "dsdt.aml"])
        let source = try String(contentsOf: folder.appendingPathComponent("dsdt.dsl"), encoding: .utf8)
        let (report, status) = try run(["-p", "again", "dsdt.dsl"])
        return (source, report, status)
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/iasl"), "needs acpica-tools"))
    func theCompilerAgrees() throws {
        let (source, report, status) = try iasl(tables(hasBus: true).dsdt)
        #expect(status == 0 && report.contains(" 0 Errors"), "\(report)")
        // Spaces, comments and line ends are the disassembler's taste.
        let words = source.replacing(#/\/\/[^\n]*/#, with: "").replacing(#/\s+/#, with: "")
        for term in [
            #"Device(PCI0){Name(_HID,EisaId("PNP0A08")"#, #"Name(_CID,EisaId("PNP0A03")"#, "Name(_BBN,0x00)",
            "WordBusNumber(ResourceProducer,MinFixed,MaxFixed,PosDecode,0x0000,0x0000,0x0000,0x0000,0x0001,,",
            "WordIO(ResourceProducer,MinFixed,MaxFixed,PosDecode,EntireRange,0x0000,0xC000,0xC3FF,0x0000,0x0400,,",
            "DWordMemory(ResourceProducer,PosDecode,MinFixed,MaxFixed,NonCacheable,ReadWrite,"
                + "0x00000000,0xC0000000,0xDFFFFFFF,0x00000000,0x20000000,,",
            "QWordMemory(ResourceProducer,PosDecode,MinFixed,MaxFixed,NonCacheable,ReadWrite,"
                + "0x0000000000000000,0x0000004000000000,0x0000007FFFFFFFFF,0x0000000000000000,0x0000004000000000,,",
            #"Device(ECAM){Name(_HID,EisaId("PNP0C02")"#, "Memory32Fixed(ReadWrite,0xE0000000,0x00100000,",
        ] { #expect(words.contains(term), "\(term) in \(source)") }
        // RAM beyond 2^38 leaves no second window; without functions there is no bridge at all.
        #expect(try !iasl(tables(memory: 1 << 38, hasBus: true).dsdt).source.contains("QWordMemory"))
        #expect(try !iasl(tables(hasBus: false).dsdt).source.contains("PCI0"))
    }
}
