import Foundation

/// Runs a program of the host to its end.
package enum Tool {
    /// Both output streams; throws `MachineError.program` when the status is not 0.
    @discardableResult
    package static func run(_ name: String, _ arguments: [String], environment: [String: String] = [:]) throws -> String
    {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [name] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw MachineError.program(name, status: process.terminationStatus, output: output)
        }
        return output
    }
}
