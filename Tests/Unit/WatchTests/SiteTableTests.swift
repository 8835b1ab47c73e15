import Foundation
import KernelImages
import Testing
import Watch

/// The table of sites: what the hypervisor reads of it, whatever it holds.
struct SiteTableTests {
    static let sites = [
        PatchSite(.jump, at: 0x100, target: 0x400), PatchSite(.shortJump, at: 0x200, target: 0x210),
        PatchSite(.call, at: 0xFFE),
    ]

    static func encoded(
        magic: UInt64 = SiteTable.magic, text: UInt64 = 0x2000, constants: UInt64 = 0x20_0000, size: UInt64 = 0x1000,
        entry: UInt64 = 0x80, count: UInt64? = nil, _ sites: [PatchSite] = sites
    ) -> [UInt8] {
        let words =
            [magic, text | constants << 32, size | entry << 32, count ?? UInt64(sites.count)] + sites.map(\.rawValue)
        return words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (UInt64($0) * 8)) } }
    }

    private func with<R>(_ bytes: [UInt8], _ body: (SiteTable?) -> R) -> R {
        unsafe bytes.withUnsafeBytes { unsafe body(SiteTable($0)) }
    }

    @Test func findsTheSiteOfAByte() {
        with(Self.encoded()) { table in
            guard let table else { Issue.record("no table"); return }
            for (offset, found) in [
                (0xFF, nil), (0x100, 0x100), (0x104, 0x100), (0x105, nil), (0x201, 0x200), (0x202, nil),
                (0x1002, 0xFFE),
                (0x1003, nil), (0, nil),
            ] as [(UInt64, UInt64?)] {
                #expect(table.site(around: offset)?.offset == found, "\(offset)")
            }
        }
    }

    @Test func refusesWhatIsNoTable() {
        let bad: [[UInt8]] = [
            [], Array(Self.encoded().dropLast()), Self.encoded(magic: 1), Self.encoded(text: 0),
            Self.encoded(text: 0x2001),
            Self.encoded(text: SiteTable.maxPart + 0x1000, constants: 0x300_0000), Self.encoded(constants: 0x1000),
            Self.encoded(size: 0), Self.encoded(entry: 0x2000), Self.encoded(count: 4), Self.encoded(count: .max),
            Self.encoded(constants: 0x800_0000),
        ]
        for bytes in bad { with(bytes) { #expect($0 == nil, "\(bytes.prefix(32))") } }
    }

    @Test func tellsPatchesFromAttacks() {
        with(Self.encoded()) { table in
            guard let table else { Issue.record("no table"); return }
            var old = [UInt8](repeating: 0x55, count: 0x2000)
            old.replaceSubrange(0x100..<0x105, with: [0x0F, 0x1F, 0x44, 0, 0])
            func unlawful(_ change: (inout [UInt8]) -> Void) -> UInt64? {
                var new = old
                change(&new)
                return table.firstUnlawful(0xC0..<0x140, old: { old[Int($0)] }, new: { new[Int($0)] })
            }
            #expect(unlawful { _ in } == nil)
            #expect(unlawful { $0[0x100] = 0xCC } == nil)
            #expect(unlawful { $0.replaceSubrange(0x100..<0x105, with: [0xE9, 0xFB, 2, 0, 0]) } == nil)
            #expect(unlawful { $0[0x101] = 0x90 } == 0x101)
            #expect(unlawful { $0[0xD0] = 0xCC } == 0xD0, "INT3 where no site is")
            #expect(
                unlawful {
                    $0[0x100] = 0xCC
                    $0[0x105] = 0xC3
                } == 0x105, "beside a site")
        }
    }

    /// No order and no bytes of a table make it read outside of itself, or loop.
    @Test func bearsAnything() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            var bytes = Self.encoded(
                (0..<20).map { _ in PatchSite(rawValue: UInt64.random(in: 0 ... .max, using: &generator)) })
            for _ in 0..<Int.random(in: 0..<3) { bytes[Int.random(in: 0..<bytes.count)] = UInt8.random(in: 0...255) }
            with(bytes) { table in
                guard let table else { return }
                for offset in stride(from: UInt64(0), to: 0x2000, by: 97) {
                    if let site = table.site(around: offset) { #expect(offset - site.offset < site.length) }
                }
            }
        }
    }
}
