import Foundation

/// Debian's bochs 2.7: the Intel machine. Both serial ports connect to TCP ports of this process; its disk is a copy of the
/// machine's own, so that nothing of a run remains and no lock of a killed one is in the way of the next.
enum Bochs: EmulatorProgram {
    static let name = "bochs"
    static let processor = "corei7_skylake_x"
    /// The build with 2 MiB: Bochs has no room for the larger one.
    static let firmware = URL(filePath: "/usr/share/ovmf/OVMF.fd")
    static let video = URL(filePath: "/usr/share/vgabios/vgabios.bin")

    static func prepare(_ emulator: Emulator, volume: URL, folder: URL) throws -> EmulatorLaunch {
        try prepare(emulator, volume: volume, folder: folder, linkIsCOM1: false)
    }

    private static func prepare(
        _ emulator: Emulator, volume: URL, folder: URL, linkIsCOM1: Bool
    ) throws -> EmulatorLaunch {
        try requireInstalled(emulator)
        let disk = try BootDisk(volume: volume, in: folder.appending(path: "disk.img"))
        let com1 = try LoopbackPort()
        let com2 = try SerialBridge(path: folder.appending(path: "link").path)
        let configuration = BochsConfiguration(
            emulator: emulator, disk: disk, com1: linkIsCOM1 ? com2.port : com1.number,
            com2: linkIsCOM1 ? com1.number : com2.port, log: folder.appending(path: "log").path)
        let file = folder.appending(path: "bochsrc"), commands = folder.appending(path: "commands")
        try Data(configuration.text.utf8).write(to: file)
        // Debian's build stops in its debugger before the first instruction: "continue".
        try Data("c\n".utf8).write(to: commands)
        return EmulatorLaunch(arguments: ["-q", "-f", file.path, "-rc", commands.path], com1: com1, com2: com2)
    }

    static func prepare(_ emulator: Emulator, _ direct: Emulator.DirectKernel, folder: URL) throws -> EmulatorLaunch {
        guard let loader = direct.loader, direct.initrd == nil else {
            throw MachineError.impossible("Bochs loads no kernels: a guest without the hypervisor needs an AMD machine")
        }
        let volume = folder.appending(path: "volume.img")
        let kernel = BootVolumeImage.Image(path: "kernel.elf", source: direct.kernel)
        try BootVolumeImage(hypervisor: loader, manifest: [], images: [kernel]).writeImage(to: volume)
        return try prepare(emulator, volume: volume, folder: folder, linkIsCOM1: true)
    }

    /// The message of its exit and the last errors in its log, or all it wrote when there are none.
    static func lastWords(errors: String, folder: URL) -> String {
        let log = (try? Data(contentsOf: folder.appending(path: "log"))).map { String(decoding: $0, as: UTF8.self) }
        let complaints = (log ?? "").split(separator: "\n").filter { BochsLog.isComplaint($0) }
        let message = BochsLog.exitMessage(errors)
        guard message != nil || !complaints.isEmpty else { return errors }
        return ([message].compactMap { $0 } + complaints.suffix(4).map(String.init)).joined(separator: "\n")
    }

    private static func requireInstalled(_ emulator: Emulator) throws {
        let hint = "install Debian 12's packages bochs, ovmf and vgabios (./bulkhead setup)"
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        let found =
            emulator.program.contains("/")
            || folders.contains { folder in
                FileManager.default.isExecutableFile(atPath: "\(folder)/\(emulator.program)")
            }
        guard found else { throw MachineError.missing(file: "the program \(emulator.program)", hint: hint) }
        try MachineError.require([emulator.firmware, video], hint: hint)
    }
}
