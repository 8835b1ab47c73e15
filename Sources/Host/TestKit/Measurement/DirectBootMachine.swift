import Foundation
import Machines

/// An emulated machine that boots a kernel directly and has its serial ports on sockets: the same machine that Bulkhead
/// is booted on, for what Bulkhead is compared with.
final class PeerMachine {
    let folder: URL
    private let child: Child
    /// What waits for this machine are measured by.
    let clock: ProgressClock

    /// - Parameters:
    ///   - consoles: the serial ports' names; the first two become COM1 and COM2, the others PCI devices.
    ///   - log: a file that gets the emulator's own words.
    init(_ emulator: Emulator, _ direct: Emulator.DirectKernel, consoles: [String], log: URL) throws {
        for file in [direct.kernel, direct.initrd].compactMap({ $0 })
        where !FileManager.default.fileExists(atPath: file.path) {
            throw MachineError.missing(file: file.path, hint: "Guests/build and Guests/build-kvm-host make it")
        }
        folder = FileManager.default.temporaryDirectory.appending(path: "bulkhead-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        try FileManager.default.createDirectory(at: log.deletingLastPathComponent(), withIntermediateDirectories: true)
        var arguments = [
            "-name", "bulkhead", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", emulator.processor,
            "-smp", "\(emulator.cores)", "-m", "\(emulator.memory >> 20)M",
            "-kernel", direct.kernel.path, "-append", direct.commandLine,
        ]
        if let initrd = direct.initrd { arguments += ["-initrd", initrd.path] }
        for (index, name) in consoles.enumerated() {
            arguments += ConsoleSocket.device(name, in: folder)
            arguments += index < 2 ? ["-serial", "chardev:\(name)"] : ["-device", "pci-serial,chardev=\(name)"]
        }
        child = try Child(emulator.program, arguments + emulator.extra, errors: log) { _ in }
        clock = ProgressClock(process: child.process)
        Machine.adopt(child, folder)
    }

    func console(_ name: String) throws -> ConsoleSocket { try ConsoleSocket(folder.appending(path: name), clock) }

    /// Stops the machine and removes its files.
    func stop() { Machine.abandon(child, folder) }
}
