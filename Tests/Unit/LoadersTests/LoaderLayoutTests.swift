import Foundation
import Platform
import Testing

@testable import Loaders

/// What the loader's assembly and linker script know by numbers of their own.
@Suite struct LoaderLayoutTests {
    private func entryFile(_ name: String) throws -> String {
        let entry = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../Sources/Metal/Loader/Entry/\(name)").standardizedFileURL
        return try String(contentsOf: entry, encoding: .utf8)
    }

    @Test func assemblyHasTheSameNumbers() throws {
        var defined: [String: UInt64] = [:]
        for line in try entryFile("layout.h").split(separator: "\n") where line.hasPrefix("#define ") {
            let words = line.split(separator: " ")
            defined[String(words[1])] =
                words[2].hasPrefix("0x") ? UInt64(words[2].dropFirst(2), radix: 16) : UInt64(words[2])
        }
        #expect(
            defined == [
                "LOADER_FACTS": LoaderMemory.facts, "LOADER_PROGRAM": LoaderMemory.program,
                "LOADER_TABLES": LoaderMemory.tables, "LOADER_END": LoaderMemory.end,
                "FACTS_WINDOW": UInt64(try #require(MemoryLayout<LoaderFacts>.offset(of: \.window))),
                "FACTS_IS_INTEL": UInt64(try #require(MemoryLayout<LoaderFacts>.offset(of: \.isIntel))),
                "CALL_FINISHED": UInt64(LoaderCall.finished.rawValue),
                "CALL_REFUSED": UInt64(LoaderCall.refused.rawValue), "GUEST_GDT": LowMemory.gdt,
                "GUEST_GDT_LIMIT": 0x27, "GUEST_STACK": LowMemory.stackTop, "GUEST_HANDOVER": LowMemory.handover,
                "GUEST_TABLES": LowMemory.pageTables,
            ])
        let script = try entryFile("loader.ld")
        #expect(script.contains(". = 0x\(String(LoaderMemory.program, radix: 16, uppercase: true));"))
        let limit = LoaderMemory.program + LoaderMemory.programLimit
        #expect(script.contains("ASSERT(. <= 0x\(String(limit, radix: 16, uppercase: true)),"))
    }

    @Test func partsOfTheLoaderDoNotOverlap() {
        #expect(MemoryLayout<LoaderFacts>.size <= LoaderMemory.secret - LoaderMemory.facts)
        #expect(LoaderMemory.secret + 64 <= LoaderMemory.program)
        #expect(LoaderMemory.program + LoaderMemory.programLimit <= LoaderMemory.tables)
        // Nine tables, and 16 KiB of stack at least.
        #expect(LoaderMemory.tables + 9 * 4096 + 16384 <= LoaderMemory.end)
        #expect(LoaderMemory.facts >= LowMemory.usableEnd && LoaderMemory.end <= LowMemory.acpi)
    }

    @Test func theWindowLiesBehindAllMemory() {
        #expect(LoaderMemory.window(memorySize: 64 << 20) == 4 << 30)
        #expect(LoaderMemory.window(memorySize: 3 << 30) == 4 << 30)
        #expect(LoaderMemory.window(memorySize: 3 << 30 + 4096) == 4 << 30 + 2 << 20)
        #expect(LoaderMemory.window(memorySize: 6 << 30) == 7 << 30)
        // Two images of the largest size that is read.
        #expect(2 * LoaderMemory.aligned(1 << 30) <= LoaderMemory.windowLimit)
    }

    @Test func factsKeepTheCommandLine() {
        let text = Array("console=ttyS0".utf8)
        var line = InlineArray<2047, UInt8>(repeating: 0x21)
        for (i, byte) in text.enumerated() { line[i] = byte }
        let facts = LoaderFacts(
            platform: .none, kernelSize: 1, initrdSize: 0, commandLine: line, count: text.count, isIntel: true)
        #expect(facts.commandLineCount == text.count && facts.isIntel == 1)
        for (i, byte) in text.enumerated() { #expect(facts.commandLine[i] == byte) }
        #expect(facts.commandLine[text.count] == 0)
    }
}
