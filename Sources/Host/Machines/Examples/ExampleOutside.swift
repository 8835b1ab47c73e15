import Foundation

/// What an example's machine finds outside: a server's answer, and a port of the loopback interface that leads to it.
public struct ExampleOutside: Sendable {
    public let folder: URL
    /// What a server outside sends: a page of random bytes, with its header.
    private var answer: URL { folder.appending(path: "answer") }
    /// What the page has.
    public let page: Data
    /// Leads to port 8080 of the machine's network card, or to what serves libvirt's clients there.
    public let port: UInt16
    /// Where a partition is to serve libvirt's clients.
    public var control: ControlAccess { ControlAccess(folder: folder, port: port) }

    /// - Parameter folder: for what the emulator reads, and for keys: nobody else is to read it.
    public init(folder: URL) throws {
        page = Data((0..<65536).map { _ in UInt8.random(in: 0...255) })
        // Free now, and taken by the emulator when it starts.
        port = try LoopbackPort().number
        self.folder = folder
        try (Data("HTTP/1.0 200 OK\r\nContent-Length: \(page.count)\r\n\r\n".utf8) + page).write(to: answer)
    }

    /// The emulator's own network: nothing but these servers is reached from inside, nothing but the port from outside.
    func network(_ name: String) -> String {
        let serve = "cmd:sh -c 'cat \(answer.path); sleep 3'"
        return "user,id=\(name),restrict=on,guestfwd=tcp:10.0.2.100:80-\(serve),guestfwd=tcp:10.0.2.100:81-\(serve),"
            + "hostfwd=tcp:127.0.0.1:\(port)-:8080"
    }

    /// Fetches a file from the port, by HTTP; what stands behind the answer's header.
    /// - Throws: `MachineError.declined` when the answer is none.
    public func fetch(_ path: String, seconds: Int = 20) throws -> [UInt8] {
        let answer = try LoopbackRequest.send("GET \(path) HTTP/1.0\r\n\r\n", to: port, seconds: seconds)
        let end = Array("\r\n\r\n".utf8)
        let start = answer.indices.first { answer[$0...].starts(with: end) }
        guard let start, String(decoding: answer.prefix(16), as: UTF8.self).contains(" 200 ") else {
            throw MachineError.declined(
                "port \(port) answers \(answer.count) bytes: \(String(decoding: answer.prefix(60), as: UTF8.self))")
        }
        return Array(answer[(start + end.count)...])
    }

    /// A file for the emulator to write to.
    public func file(_ name: String, copyOf image: URL? = nil, bytes: UInt64 = 0) throws -> URL {
        let file = folder.appending(path: name)
        if let image {
            // What was never written stays a hole.
            try Tool.run("cp", ["--sparse=always", image.path, file.path])
        } else {
            FileManager.default.createFile(atPath: file.path, contents: nil)
            try FileHandle(forWritingTo: file).truncate(atOffset: bytes)
        }
        return file
    }

    /// As guests say it.
    public func sha256(_ bytes: some Sequence<UInt8>) throws -> String {
        let file = folder.appending(path: "fetched")
        try Data(bytes).write(to: file)
        return String(try Tool.run("sha256sum", [file.path]).prefix(64))
    }
}
