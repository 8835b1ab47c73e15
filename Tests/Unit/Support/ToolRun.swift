import Foundation

/// One run of the tool itself, as a script runs it.
public struct ToolRun {
    public let status: Int32
    public let output: String
    public let errors: String

    /// - Parameters:
    ///   - folder: where it runs; nil: where the tests do.
    ///   - program: which one; the tool.
    ///   - data: bytes of memory that it gets at most (RLIMIT_DATA).
    ///   - environment: beside what there is.
    public init(
        _ arguments: [String], in folder: URL? = nil, program name: String = "CLI", data: Int? = nil,
        environment: [String: String] = [:]
    ) throws {
        let tool = Process(), output = Pipe(), errors = Pipe()
        let program = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../.build/debug/\(name)").standardized
        tool.executableURL = URL(filePath: "/usr/bin/env")
        tool.arguments = (data.map { ["prlimit", "--data=\($0)"] } ?? []) + [program.path] + arguments
        tool.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        if let folder { tool.currentDirectoryURL = folder }
        (tool.standardOutput, tool.standardError) = (output, errors)
        try tool.run()
        let (said, problem) = (
            output.fileHandleForReading.readDataToEndOfFile(), errors.fileHandleForReading.readDataToEndOfFile()
        )
        tool.waitUntilExit()
        status = tool.terminationStatus
        self.output = String(decoding: said, as: UTF8.self)
        self.errors = String(decoding: problem, as: UTF8.self)
    }
}
