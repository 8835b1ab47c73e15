import CBOR
import Control

extension ControlOperation {
    /// All operations, in the order of their numbers.
    public static var all: [ControlOperation] { (0...UInt8.max).compactMap(ControlOperation.init) }

    /// The word for messages to people, as in the manifest's `permit`.
    public var name: String {
        switch self {
        case .consoleRead: "console-read"
        case .consoleWrite: "console-write"
        case .selfCheck: "self-check"
        default: "\(self)"
        }
    }
}

extension ControlRequest {
    /// The request as a frame's payload, with `data` for `consoleWrite`.
    public func payload(data: [UInt8] = []) throws(CBORError) -> [UInt8] {
        let fields = operation.description.fields
        return try writePayload { (writer) in
            writer.map(1 + fields.count)
            writer.key(0)
            writer.uint(UInt64(operation.rawValue))
            if fields.contains(.partition) {
                writer.key(1)
                writer.text(count: partition.count) { partition.bytes[$0] }
            }
            if fields.contains(.vcpu) {
                writer.key(2)
                writer.uint(UInt64(max(vcpu, 0)))
            }
            if fields.contains(.position) {
                writer.key(3)
                writer.uint(position)
            }
            if fields.contains(.data) {
                writer.key(4)
                writer.bytes(data.span)
            }
            if fields.contains(.on) {
                writer.key(5)
                writer.bool(on)
            }
        }
    }
}

/// What `body` writes, if it is one item that fits a frame.
private func writePayload(_ body: (inout CBORWriter) -> Void) throws(CBORError) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: Frame.maxPayload)
    var writer = CBORWriter(buffer.mutableSpan)
    body(&writer)
    let count = try writer.finish()
    return Array(buffer[..<count])
}

extension ControlStatus {
    /// A reply that has nothing but this status.
    var payload: [UInt8] {
        // A map of one number always fits.
        (try? writePayload { $0.reply(self, fields: 0) }) ?? []
    }
}
