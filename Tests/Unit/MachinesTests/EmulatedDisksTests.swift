import Foundation
import Machines
import Testing

@Suite struct EmulatedDisksTests {
    /// Makes files in a folder of their own and asks what QEMU is told of them.
    private func arguments(_ names: [String], given: ((String) -> [String])? = nil) throws -> [String] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "disks-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for name in names { try Data(name.utf8).write(to: folder.appending(path: name)) }
        let paths = given?(folder.path) ?? names.map { folder.appending(path: $0).path }
        return try EmulatedDisks(paths).arguments.map { $0.replacing(folder.path, with: "") }
    }

    @Test func eachIsAFunctionOfItsOwn() throws {
        #expect(
            try arguments(["a", "b"]) == [
                "-drive", "if=none,id=disk0,format=raw,file=/a", "-device", "nvme,drive=disk0,serial=disk0,addr=10.0",
                "-drive", "if=none,id=disk1,format=raw,file=/b", "-device", "nvme,drive=disk1,serial=disk1,addr=11.0",
            ])
        #expect(try arguments([]) == [])
    }

    /// What else than a file's name is told would be an option of the user's for the emulator.
    @Test func aNameIsNoOption() throws {
        #expect(try arguments(["a,readonly=on"])[1] == "if=none,id=disk0,format=raw,file=/a,,readonly=on")
    }

    @Test func whatIsNoFileIsRefused() throws {
        #expect { try arguments([], given: { [$0 + "/none"] }) } throws: {
            "\($0)".contains("/none is no file that can be written to")
        }
        #expect { try arguments([], given: { [$0] }) } throws: { "\($0)".contains("is no file") }
        #expect { try arguments([], given: { _ in ["/dev/null"] }) } throws: { "\($0)".contains("is no file") }
        #expect { try arguments(["a"], given: { [$0 + "/a", $0 + "/./a"] }) } throws: {
            "\($0)".contains("is given twice")
        }
        #expect { try arguments(["a", "b", "c", "d", "e"]) } throws: { "\($0)".contains("5 disks are too many") }
    }

    @Test func aMachineWithoutDisksNeedsNoIOMMU() throws {
        #expect(try EmulatedDisks([]).iommu == nil)
    }
}
