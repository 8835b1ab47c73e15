import Foundation

/// Disks of an emulated machine: NVMe controllers (1B36h:0010h, QEMU's), each with one namespace that is a file. What the machine writes
/// is in the file.
public struct EmulatedDisks: Sendable {
    public static let limit = 4
    private let files: [URL]

    /// - Parameter paths: files, the first of which is function 00:10.0, the next 00:11.0 and so on; at most `limit`.
    /// - Throws: `MachineError` for what is no file that can be written to, or too much of it.
    public init(_ paths: [String]) throws {
        guard paths.count <= Self.limit else {
            throw MachineError.impossible("\(paths.count) disks are too many: a machine has at most \(Self.limit)")
        }
        files = try paths.map { path in
            let file = URL(filePath: path).resolvingSymlinksInPath()
            let type = try? FileManager.default.attributesOfItem(atPath: file.path)[.type] as? FileAttributeType
            guard type == .typeRegular, FileManager.default.isWritableFile(atPath: file.path) else {
                throw MachineError.impossible(
                    "the disk \(path) is no file that can be written to; `truncate -s 4G FILE` makes an empty one")
            }
            return file
        }
        if let twice = Dictionary(grouping: files, by: \.path).first(where: { $0.value.count > 1 }) {
            throw MachineError.impossible("the disk \(twice.key) is given twice: two controllers would write to it")
        }
    }

    /// What the machine needs for its partitions to own them.
    public var iommu: EmulatedIOMMU? { files.isEmpty ? nil : .amdVi }

    /// What QEMU is told. A comma in a file's name is written twice.
    public var arguments: [String] {
        files.enumerated().flatMap { index, file in
            [
                "-drive", "if=none,id=disk\(index),format=raw,file=\(file.path.replacing(",", with: ",,"))",
                "-device", "nvme,drive=disk\(index),serial=disk\(index),addr=\(String(0x10 + index, radix: 16)).0",
            ]
        }
    }
}
