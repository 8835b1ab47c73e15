import Foundation
import Testing

@testable import Machines

/// The owner's key in a program, found where the hypervisor looks for it and nowhere else.
@Suite struct OwnerSectionTests {
    private let key = (0..<52).map { UInt8($0) }

    private func program() throws -> Data {
        var image = Data(count: 8192)
        image.replaceSubrange(0x40..<0x48, with: Data("PE\0\0d\u{06}".utf8) + Data([2, 0]))
        image.replaceSubrange(0x90..<0x94, with: Data([0, 0x20, 0, 0]))
        return try OwnerSection.add(key, to: image)
    }

    @Test func whereTheHypervisorLooks() throws {
        let good = try program()
        #expect(OwnerSection.key(in: good) == key)
        // Behind it Secure Boot's signature lies.
        #expect(OwnerSection.key(in: good + Data(count: 5000)) == key)
        for (at, name) in [
            (0x40, "PE"), (0x46, "sections"), (0x90, "size of the image"), (0x91, "size of the image"),
            (0x198, "name"), (0x19F, "name"), (0x1A1, "size"), (0x1A4, "address"), (0x1A5, "address"),
            (0x1A9, "size in the file"), (0x1AC, "place in the file"), (0x1AD, "place in the file"),
        ] {
            var bad = good
            bad[at] ^= 0x10
            #expect(OwnerSection.key(in: bad) == nil, "\(name)")
        }
        // Well described, but not at the end of what the linker has made: nothing else says so.
        for place in [UInt8(0x10), 0x30] {
            var moved = good + Data(count: 8192)
            (moved[0x1A5], moved[0x1AD]) = (place, place)
            #expect(OwnerSection.key(in: moved) == nil, "\(place)")
        }
        for count in [0, 0x40, 0x198, 4096, 8192, 8192 + 51] {
            #expect(OwnerSection.key(in: good.prefix(count)) == nil, "\(count) bytes")
        }
    }

    /// A disk's program may be anything.
    @Test func filesThatAreNone() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "bulkhead-owner-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appending(path: "program"), pipe = folder.appending(path: "pipe")
        #expect(unsafe mkfifo(pipe.path, 0o600) == 0)
        #expect(OwnerSection.key(of: pipe) == nil && OwnerSection.key(of: folder) == nil)
        #expect(OwnerSection.key(of: URL(filePath: "/dev/zero")) == nil && OwnerSection.key(of: file) == nil)
        try program().write(to: file)
        #expect(OwnerSection.key(of: file) == key)
        // One page of a program, in a file of 1 TiB: no more than `most` is looked at.
        let handle = try FileHandle(forWritingTo: file)
        try handle.truncate(atOffset: 1 << 40)
        try handle.close()
        #expect(OwnerSection.key(of: file) == key)
    }
}
