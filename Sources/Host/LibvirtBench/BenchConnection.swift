import ControlClient
import Foundation
import LibvirtWire
import Machines

/// A client's connection to a server of libvirt's protocol. One call waits for its answer at a time.
final class BenchConnection {
    let descriptor: Int32
    private let name: String
    private var reader = PacketReader()
    private var serial: UInt32 = 0
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)
    /// When the call was sent that waits, by `Self.now`.
    private(set) var sent: UInt64 = 0

    /// Seconds that an answer is waited for.
    static let mostSeconds: Int32 = 20

    /// Connects and opens a driver.
    /// - Parameters:
    ///   - path: of a UNIX socket.
    ///   - uri: what is opened, such as `test:///default`.
    ///   - name: of the server, for messages.
    init(_ path: String, uri: String, name: String) throws(MachineError) {
        self.name = name
        do throws(LinkError) { descriptor = try UnixSocket.connect(path) } catch {
            throw .impossible("\(name) cannot be reached: \(error)")
        }
        _ = try answer(BenchRequest("auth_list"))
        _ = try answer(
            BenchRequest("connect_open") { writer in
                writer.optionalString(uri)
                writer.uint32(0)
            })
    }

    deinit { close(descriptor) }

    private func failure(_ words: String) -> MachineError { .impossible("\(name) \(words)") }

    /// Nanoseconds of a clock that only goes forward.
    static var now: UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// What a call is answered with.
    /// - Throws: `MachineError` also where it is an error.
    func answer(_ request: BenchRequest) throws(MachineError) -> [UInt8] {
        try send(request)
        while true {
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&entry, 1, Self.mostSeconds * 1000) > 0 else { throw failure("does not answer") }
            if let answer = try receive() { return answer }
        }
    }

    /// The domain of a name.
    func domain(_ name: String) throws(MachineError) -> WireDomain {
        var reader = XDRReader(try answer(BenchRequest("domain_lookup_by_name") { $0.string(name) }))
        do throws(XDRError) { return try WireDomain(&reader) } catch { throw failure("sent a domain that is none") }
    }

    /// The version of the library that it says that it has, as libvirt counts: 9.0.0 is 9,000,000.
    func version() throws(MachineError) -> String {
        var reader = XDRReader(try answer(BenchRequest("connect_get_lib_version")))
        _ = try? reader.uint32()
        let number = (try? reader.uint32()) ?? 0
        return "\(number / 1_000_000).\(number / 1000 % 1000).\(number % 1000)"
    }

    func send(_ request: BenchRequest) throws(MachineError) {
        serial &+= 1
        var request = request
        sent = Self.now
        try write(request.encoded(serial: serial))
    }

    private func write(_ bytes: [UInt8]) throws(MachineError) {
        // A call is far smaller than a socket's buffer.
        let count = unsafe bytes.withUnsafeBytes {
            unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard count == bytes.count else { throw failure("has ended the connection") }
    }

    /// Reads what has come; blocks where nothing has.
    /// - Returns: the answer to the call that waits, if all of it has come.
    /// - Throws: `MachineError` where it is an error, or the connection has ended.
    func receive() throws(MachineError) -> [UInt8]? {
        let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { throw failure("has ended the connection") }
        reader.append(buffer[..<count])
        while let packet = try next() {
            if packet.header.program == Keepalive.program {
                if Keepalive.wantsPong(packet.header) { try write(Keepalive.pongPacket.encoded) }
            } else if packet.header.type == .reply, packet.header.serial == serial {
                guard packet.header.status == .ok else { throw failure("answers: \(Self.words(packet.payload))") }
                return packet.payload
            }
        }
        return nil
    }

    private func next() throws(MachineError) -> Packet? {
        do throws(PacketError) { return try reader.next() } catch { throw failure("sent \(error)") }
    }

    /// The message of an error as it is sent: behind a code and a domain.
    private static func words(_ payload: [UInt8]) -> String {
        var reader = XDRReader(payload)
        _ = try? reader.int32()
        _ = try? reader.int32()
        return ((try? reader.optionalString()) ?? nil) ?? "an error without words"
    }
}
