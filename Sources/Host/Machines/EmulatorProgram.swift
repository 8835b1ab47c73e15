import Foundation

/// A program that emulates machines: what is its own, and no other's. One file each.
protocol EmulatorProgram {
    static var name: String { get }
    /// The processor that it emulates unless told otherwise.
    static var processor: String { get }
    static var firmware: URL { get }

    /// Puts what a machine needs into its folder, and gives what the program is started with.
    /// - Parameters:
    ///   - volume: a file system as `BootVolumeImage.writeImage` makes it; only read.
    ///   - folder: the machine's own; COM2 must become the socket `link` in it.
    static func prepare(_ emulator: Emulator, volume: URL, folder: URL) throws -> EmulatorLaunch

    /// The same for a kernel that the program loads itself. Where a loader enters it, COM1 becomes the socket `link`.
    static func prepare(_ emulator: Emulator, _ direct: Emulator.DirectKernel, folder: URL) throws -> EmulatorLaunch

    /// Why it ended, in its own words.
    /// - Parameter errors: what it wrote to standard error.
    static func lastWords(errors: String, folder: URL) -> String
}

/// What a program that emulates machines is started with.
struct EmulatorLaunch {
    var arguments: [String]
    /// Takes COM1; nil when the program's standard output is COM1.
    var com1: LoopbackPort?
    /// Serves COM2, when the program does not do that itself.
    var com2: SerialBridge?
}

extension MachineError {
    /// - Throws: `missing` for the first of these files that is not there.
    static func require(_ files: [URL], hint: String) throws(MachineError) {
        for file in files where !FileManager.default.fileExists(atPath: file.path) {
            throw MachineError.missing(file: file.path, hint: hint)
        }
    }
}
