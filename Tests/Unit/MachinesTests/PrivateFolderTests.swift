import Foundation
import Testing

@testable import Machines

@Suite struct PrivateFolderTests {
    @Test func isForNobodyElseAndGoneAtTheEnd() throws {
        var places: [URL] = []
        let mode = try PrivateFolder.with { folder in
            places.append(folder)
            try Data("image".utf8).write(to: folder.appending(path: "copy"))
            return try FileManager.default.attributesOfItem(atPath: folder.path)[.posixPermissions] as? Int
        }
        #expect(mode == 0o700)
        #expect(throws: MachineError.self) {
            try PrivateFolder.with { folder in
                places.append(folder)
                throw MachineError.impossible("no")
            }
        }
        #expect(places.count == 2 && places.allSatisfy { !FileManager.default.fileExists(atPath: $0.path) })
    }

    /// No tool writes what it reads from a volume to a folder that all can read.
    @Test func allTemporaryFilesLieInOne() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        for file in ["Machines/BootMedia/VolumeReader", "SignedImages/VerifiedObject", "Installation/SlotContent"] {
            let text = try String(contentsOf: root.appending(path: "Sources/Host/\(file).swift"), encoding: .utf8)
            #expect(!text.contains("temporaryDirectory"), "\(file)")
        }
    }
}
