import Foundation

/// The ELF file inside a bzImage (Linux, Documentation/arch/x86/boot.rst), unpacked by the host's own programs.
enum KernelPayload {
    private static let programs: [(magic: [UInt8], program: [String])] = [
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], ["xz", "-dc"]), ([0x28, 0xB5, 0x2F, 0xFD], ["zstd", "-dcq"]),
        ([0x02, 0x21, 0x4C, 0x18], ["lz4", "-dcq"]), ([0x1F, 0x8B], ["gzip", "-dcq"]),
    ]

    /// The file itself where it is no bzImage.
    static func unpack(_ file: Data) throws -> Data {
        let bytes = file.startIndex
        guard file.count > 0x260, file[(bytes + 0x202)..<(bytes + 0x206)].elementsEqual(Array("HdrS".utf8)) else {
            return file
        }
        let head = [UInt8](file.prefix(0x260))
        let sectors = max(Int(head[0x1F1]), head[0x1F1] == 0 ? 4 : 1)
        let start = (sectors + 1) * 512 + Int(KernelImage.number(head, 0x248, 4))
        let size = Int(KernelImage.number(head, 0x24C, 4))
        guard start <= file.count, size <= file.count - start else {
            throw KernelImageError("its payload is cut short")
        }
        let payload = file[(bytes + start)..<(bytes + start + size)]
        guard let found = programs.first(where: { payload.starts(with: $0.magic) }) else {
            throw KernelImageError("its payload is packed in a way that is not known")
        }
        // All formats but gzip are followed by the unpacked size, which their programs take for garbage.
        let scratch = FileManager.default.temporaryDirectory.appending(path: "bulkhead-kernel-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: scratch) }
        try payload.dropLast(found.program[0] == "gzip" ? 0 : 4).write(to: scratch)
        let process = Process(), output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = found.program
        process.standardInput = try FileHandle(forReadingFrom: scratch)
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let content = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw KernelImageError("\(found.program[0]) cannot unpack it, or is not installed")
        }
        return content
    }
}
