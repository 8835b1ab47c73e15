import Foundation
import Testing

@testable import Machines

/// Small files that commands write where the user says.
@Suite final class SafeFileTests {
    let folder = FileManager.default.temporaryDirectory.appending(path: "bulkhead-safe-\(UUID().uuidString)")
    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(at: folder) }

    func path(_ name: String) -> String { folder.appending(path: name).path }

    @Test func aFileIsReplaced() throws {
        try SafeFile.write(Data([1]), to: path("file"))
        // What a symbolic link leads to, not the link.
        try FileManager.default.createSymbolicLink(atPath: path("link"), withDestinationPath: path("file"))
        try SafeFile.write(Data([2, 3]), to: path("link"))
        #expect(try Data(contentsOf: URL(filePath: path("file"))) == Data([2, 3]))
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: path("link")) == path("file"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 2)
    }

    /// Two that write one file at once do not meet in what is not whole yet.
    @Test func twoWritersAtOnce() throws {
        let file = URL(filePath: path("file"))
        try SafeFile.replace(file) { first in
            try Data([1]).write(to: first)
            try SafeFile.replace(file) { second in
                #expect(first != second)
                try Data([2]).write(to: second)
            }
            #expect(try Data(contentsOf: file) == Data([2]))
        }
        #expect(try Data(contentsOf: file) == Data([1]))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["file"])
    }

    /// Nothing is renamed over a device, and none is made of a name that leads to none.
    @Test func devices() throws {
        try SafeFile.write(Data([1]), to: "/dev/null")
        #expect(SafeFile.kind(of: URL(filePath: "/dev/null")) == S_IFCHR)
        let name = "/dev/bulkhead-\(UUID().uuidString)"
        for place in [name, "/proc/bulkhead", folder.path] {
            #expect(throws: MachineError.self, "\(place)") { try SafeFile.write(Data([1]), to: place) }
            #expect(throws: MachineError.self, "\(place)") { try SafeFile.target(URL(filePath: place)) }
        }
        #expect(!FileManager.default.fileExists(atPath: name))
        // Memory that programs share is files.
        try SafeFile.requirePlace(URL(filePath: "/dev/shm/bulkhead"))
    }
}
