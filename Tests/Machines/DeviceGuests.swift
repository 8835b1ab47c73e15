import Foundation
import Machines
import TestKit
import Testing

/// A file of a test's own for the emulator, removed with it.
struct DeviceFile: ~Copyable {
    let url = FileManager.default.temporaryDirectory.appending(path: "bulkhead-device-\(UUID().uuidString)")
    let content: [UInt8]

    init(bytes: Int, header: String = "") throws {
        content = (0..<bytes).map { _ in UInt8.random(in: 0...255) }
        try (Data(header.utf8) + Data(content)).write(to: url)
    }
    init(content: [UInt8]) throws {
        self.content = content
        try Data(content).write(to: url)
    }
    func remove() { try? FileManager.default.removeItem(at: url) }
    deinit { remove() }

    /// The SHA-256 of its first bytes behind the header.
    func digest(first count: Int) throws -> String {
        let part = url.appendingPathExtension("part")
        defer { try? FileManager.default.removeItem(at: part) }
        try Data(content.prefix(count)).write(to: part)
        return String(try output(of: "/usr/bin/sha256sum", [part.path]).prefix(64))
    }
}

/// Runs a program to its end; what it printed. A status other than 0 is an error.
@discardableResult
func output(of program: String, _ arguments: [String]) throws -> String {
    let process = Process(), pipe = Pipe()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    process.standardOutput = pipe
    try process.run()
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw AdversaryError("\(program) failed: \(text)") }
    return text
}

/// Builds what device tests boot.
func buildDeviceGuests(withRoot: Bool = false) throws {
    let recipe = try Workspace.current().root.appending(path: "Guests/build-device")
    try output(of: recipe.path, withRoot ? ["--root"] : [])
}

/// A root port of its own for each function, on buses 1, 2, ... in this order; each can be reset alone.
func ports(_ devices: [String]) -> [String] {
    devices.enumerated().flatMap { index, device in
        let number = index + 1
        return [
            "-device", "pcie-root-port,id=port\(number),chassis=\(number),slot=\(number),addr=\(number + 3)",
            "-device", device + ",bus=port\(number)",
        ]
    }
}
