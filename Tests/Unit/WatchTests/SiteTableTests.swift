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
            Self.encoded(text: 0xFFF), Self.encoded(size: 0), Self.encoded(size: 0xFFF), Self.encoded(entry: 0x2000),
            Self.encoded(count: 4), Self.encoded(count: .max), Self.encoded(count: 1 << 61),
        ]
        for bytes in bad { with(bytes) { #expect($0 == nil, "\(bytes.prefix(32))") } }
    }

    @Test func tellsPatchesFromAttacks() {
        with(Self.encoded()) { table in
            guard let table else { Issue.record("no table"); return }
            var old = [UInt8](repeating: 0x55, count: 0x2000)
            old.replaceSubrange(0x100..<0x105, with: [0x0F, 0x1F, 0x44, 0, 0])
            func isLawful(_ range: Range<Int> = 0xC0..<0x140, at start: UInt64 = 0, _ change: (inout [UInt8]) -> Void)
                -> Bool
            {
                var new = old
                change(&new)
                return unsafe new.withUnsafeBytes { new in
                    unsafe old.withUnsafeBytes { unsafe table.allows(range, of: new, insteadOf: $0, at: start) }
                }
            }
            #expect(isLawful { _ in })
            #expect(isLawful { $0[0x100] = 0xCC })
            #expect(isLawful { $0.replaceSubrange(0x100..<0x105, with: [0xE9, 0xFB, 2, 0, 0]) })
            #expect(!isLawful { $0[0x101] = 0x90 })
            #expect(!isLawful { $0[0xD0] = 0xCC }, "INT3 where no site is")
            #expect(
                !isLawful {
                    $0[0x100] = 0xCC
                    $0[0x105] = 0xC3
                }, "beside a site")
            #expect(isLawful(0xC0..<0x100) { $0[0x105] = 0xC3 }, "what is not looked at is dropped")
            // A site that ends behind the pages that are looked at, or begins before them, is not judged by half.
            #expect(!isLawful(0x0..<0x40, at: 0x1000) { $0[0x1] = 0xCC })
            #expect(!isLawful(0x1F80..<0x2000, at: 0 &- 0x1F00) { $0[0x1FFF] = 0xCC })
        }
    }

    @Test func nothingIsLawfulBehindTheText() {
        // Whoever writes a table may name sites there.
        let site = PatchSite(.call, at: 0x2010)
        with(Self.encoded([site])) { table in
            guard let table else { Issue.record("no table"); return }
            let old = [UInt8](repeating: 0x55, count: 0x1000)
            var new = old
            new[0x10] = 0xCC
            let isLawful = unsafe new.withUnsafeBytes { new in
                unsafe old.withUnsafeBytes { unsafe table.allows(0..<0x40, of: new, insteadOf: $0, at: 0x2000) }
            }
            #expect(!isLawful)
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
