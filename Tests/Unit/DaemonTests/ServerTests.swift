import ControlClient
@testable import Daemon
import Foundation
import LibvirtWire
import Logging
import Testing

/// A connection to a socket of the daemon's; each wait is bounded.
final class SocketClient {
    private let descriptor: Int32
    private var reader = PacketReader()

    init(_ path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(result == 0, "\(path): \(errno)")
        bound()
    }

    /// To a port of this machine's, in the clear.
    /// - Parameter host: from which of its addresses: 127.0.0.`host`.
    init(port: Int, host: UInt32 = 1) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        func address(_ port: Int, _ host: UInt32, _ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = UInt16(port).bigEndian
            address.sin_addr.s_addr = (0x7F00_0000 | host).bigEndian
            return withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    call($0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        let own = address(0, host) { bind(descriptor, $0, $1) }
        let other = address(port, 1) { connect(descriptor, $0, $1) }
        try #require(own == 0 && other == 0, "port \(port): \(errno)")
        bound()
    }

    private func bound() {
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) { _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

    func call(_ name: String, _ write: (inout XDRWriter) -> Void = { _ in }) throws -> Answer? {
        let number = try #require(ProcedureNames.number(name))
        send(Packet(PacketHeader(procedure: number, type: .call, serial: 1), XDRWriter.bytes(write)).encoded)
        while true {
            if let packet = try reader.next() { return Answer(packet: packet) }
            guard let bytes = receive() else { return nil }
            reader.append(bytes)
        }
    }

    /// nil: the daemon has closed the connection, or nothing came.
    func receive() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let got = read(descriptor, &buffer, buffer.count)
        return got > 0 ? Array(buffer[..<got]) : nil
    }

    /// Neither closed by the other end, nor sent anything.
    var isSilent: Bool {
        var byte: UInt8 = 0
        return recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT) | Int32(MSG_PEEK)) < 0 && errno == EAGAIN
    }

    /// Closed by the other end; not merely silent.
    var isCutOff: Bool {
        var byte: UInt8 = 0
        return read(descriptor, &byte, 1) == 0
    }
}

@Suite struct ServerTests {
    private func start(_ folder: TemporaryFolder) throws -> (DaemonServer, DaemonConfiguration) {
        let configuration = DaemonConfiguration(machine: folder.path + "/link.sock", folder: folder.path)
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return (try DaemonServer(configuration, log: log), configuration)
    }

    /// On the socket that ends in `-ro` nothing can be changed, whatever a client says of itself.
    @Test func theReadOnlySocketChangesNothing() throws {
        let folder = try TemporaryFolder(), (server, configuration) = try start(folder)
        defer { withExtendedLifetime(folder) { server.stop() } }
        // The machine is not there: what may be asked says so, 38, what may not is denied, 29.
        for (path, code) in [(configuration.socket, 38), (configuration.readOnlySocket, 29)] as [(String, Int32)] {
            let client = try SocketClient(path)
            let opened = try client.call("connect_open") { writer in
                writer.optionalString("bulkhead:///system")
                writer.uint32(0)
            }
            #expect(opened?.code == 0)
            #expect(try client.call("domain_define_xml") { $0.string("<domain/>") }?.code == code)
            #expect(try client.call("connect_num_of_domains")?.code == 38)
            #expect(try client.call("connect_get_type")?.text.contains("Bulkhead") == true)
        }
        // Its packets are short ones.
        let client = try SocketClient(configuration.readOnlySocket)
        client.send([0, 1, 0, 1])
        #expect(client.isCutOff)
        for path in [configuration.socket, configuration.readOnlySocket] {
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode.map { $0 & 0o077 } == 0)
        }
    }

    /// Two would serve each other's clients and write into the same database.
    @Test func aSecondDaemonDoesNotTakeTheSockets() throws {
        let folder = try TemporaryFolder(), (first, configuration) = try start(folder)
        defer { withExtendedLifetime(folder) { first.stop() } }
        #expect(throws: LinkError.alreadyServed(path: configuration.socket)) { _ = try start(folder) }
        _ = try SocketClient(configuration.socket)
    }

    /// Somebody has emptied the folder, and another daemon has made its own sockets.
    @Test func theSocketsOfAnotherDaemonStay() throws {
        let folder = try TemporaryFolder(), (first, configuration) = try start(folder)
        defer { withExtendedLifetime(folder) {} }
        // While its locks are there no other daemon starts, with or without its sockets.
        for path in [configuration.socket, configuration.readOnlySocket] {
            try FileManager.default.removeItem(atPath: path)
        }
        #expect(throws: LinkError.alreadyServed(path: configuration.socket)) { _ = try start(folder) }
        for path in [configuration.socket, configuration.database] {
            try FileManager.default.removeItem(atPath: path + ".lock")
        }
        let (second, _) = try start(folder)
        first.stop()
        for path in [configuration.socket, configuration.readOnlySocket] {
            #expect(FileManager.default.fileExists(atPath: path))
            _ = try SocketClient(path)
        }
        second.stop()
        for path in [configuration.socket, configuration.readOnlySocket] {
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }
}
