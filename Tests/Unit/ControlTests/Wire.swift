import CBOR
import Control
import ControlClient
import Manifest
import Records
import Testing
import UnitSupport

/// Builds requests and drives a server with them, byte by byte.
enum Wire {
    static func payload(_ request: ControlRequest, data: [UInt8] = []) -> [UInt8] {
        (try? request.payload(data: data)) ?? []
    }

    static func payload<M: ControlMessage>(_ message: M) throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 2048)
        var writer = CBORWriter(buffer.mutableSpan)
        writer.message(message)
        let count = try writer.finish()
        return Array(buffer[..<count])
    }

    static func frame(
        _ payload: [UInt8], sequence: UInt32 = 7, version: UInt8 = Frame.version, kind: FrameKind = .request
    ) -> [UInt8] {
        let header = FrameHeader(version: version, kind: kind, sequence: sequence)
        return ArrivedFrame(header: header, payload: payload).encoded
    }

    /// A frame whose payload may be longer than is allowed; `length` overrides the length field.
    static func rawFrame(_ payload: [UInt8], sequence: UInt32 = 7, length: Int? = nil, kind: UInt8 = 1) -> [UInt8] {
        let length = length ?? payload.count
        var content: [UInt8] = [1, kind, UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF)]
        content += (0..<4).map { UInt8(truncatingIfNeeded: sequence >> UInt32(24 - 8 * $0)) } + payload
        let crc = CRC32C(content.span).value
        content += (0..<4).map { UInt8(truncatingIfNeeded: crc >> UInt32(8 * $0)) }
        return [0x7E] + content.flatMap { [0x7E, 0x7D, 0x11, 0x13].contains($0) ? [0x7D, $0 ^ 0x20] : [$0] } + [0x7E]
    }

    static func requests() -> [ControlRequest] {
        ControlOperation.all.map { operation in
            var request = ControlRequest(operation)
            request.partition = label("workload")
            request.on = true
            return request
        }
    }
}

extension ArrivedFrame {
    var status: ControlStatus? { try? ReceivedReply(payload).status }

    func event() throws -> ControlEvent { try ControlEvent(payload) }
}

/// A server and its machine, with a line that loses nothing.
final class Bench {
    var server = ControlServer()
    var machine = ModelMachine()
    var back = FrameReceiver()

    func feed(_ bytes: [UInt8]) -> [ArrivedFrame] {
        var received: [ArrivedFrame] = []
        for byte in bytes {
            if !server.canReceive { received += settle() }
            server.receive(byte)
        }
        return received + settle()
    }

    /// Serves and drains until the server has nothing more to say.
    func settle() -> [ArrivedFrame] {
        var received: [ArrivedFrame] = []
        while server.serve(&machine) {
            while let byte = server.nextByte() {
                guard let frame = back.frame(after: byte) else { continue }
                // Whatever is sent is one well-formed item: the writer leaves that to its callers.
                var reader = CBORReader(frame.payload.span)
                #expect(throws: Never.self) { try reader.skip() }
                #expect(throws: Never.self) { try reader.finish() }
                received.append(frame)
            }
        }
        return received
    }

    func ask(_ request: ControlRequest, data: [UInt8] = [], sequence: UInt32 = 7) -> ArrivedFrame? {
        feed(Wire.frame(Wire.payload(request, data: data), sequence: sequence)).first { $0.header.kind == .reply }
    }

    func ask(_ operation: ControlOperation, _ name: String, sequence: UInt32 = 7) -> ControlStatus? {
        var request = ControlRequest(operation)
        request.partition = label(name)
        return ask(request, sequence: sequence)?.status
    }
}
