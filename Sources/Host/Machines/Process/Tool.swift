import Foundation
import Synchronization

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

    /// Standard output, as it is, of a program that is done or has written `limit` bytes: more is not taken.
    /// - Throws: as `run`.
    package static func content(_ name: String, _ arguments: [String], atMost limit: Int) throws -> Data {
        let process = Process(), output = Pipe(), errors = Pipe(), words = Mutex(Data()), group = DispatchGroup()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [name] + arguments
        (process.standardOutput, process.standardError) = (output, errors)
        process.standardInput = FileHandle.nullDevice
        try process.run()
        // At once: it could wait for either to be read.
        let said = errors.fileHandleForReading
        DispatchQueue.global().async(group: group) {
            let data = said.readDataToEndOfFile()
            words.withLock { $0 = data }
        }
        let content = try output.fileHandleForReading.read(upToCount: limit) ?? Data()
        // What would still write ends by that.
        try output.fileHandleForReading.close()
        process.waitUntilExit()
        group.wait()
        guard content.count == limit || process.terminationStatus == 0 else {
            let output = words.withLock { String(decoding: $0, as: UTF8.self) }
            throw MachineError.program(name, status: process.terminationStatus, output: output)
        }
        return content
    }
}
