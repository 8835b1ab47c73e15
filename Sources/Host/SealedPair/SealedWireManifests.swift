import Foundation
import Machines
import Trust

/// The manifests of the two machines of `Examples/sealed-wire.yaml`: the file is that of the left one, and says with (*) what the
/// other one's has otherwise.
public struct SealedWireManifests: Sendable {
    public private(set) var left: String
    public private(set) var right: String

    /// - Parameter secret: of the partitions `app`, in place of the file's own.
    /// - Throws: `MachineError.impossible` where the file has not what is to be another thing.
    public init(example: String, secret: [UInt8]) throws(MachineError) {
        let secrets = (Digest384(of: Data(count: 32)).text, Digest384(of: Data(secret)).text)
        left = try Self.replace([secrets], in: example)
        right = try Self.replace(
            [
                ("\nname: sealed-wire\n", "\nname: sealed-wire-right\n"),
                ("bulkhead.own=10.9.0.1 bulkhead.peer=10.9.0.2", "bulkhead.own=10.9.0.2 bulkhead.peer=10.9.0.1"),
            ], in: left)
    }

    private static func replace(_ pairs: [(String, String)], in text: String) throws(MachineError) -> String {
        var text = text
        for (there, here) in pairs {
            guard text.components(separatedBy: there).count == 2 else {
                throw .impossible("Examples/sealed-wire.yaml does not have \"\(there)\" once")
            }
            text = text.replacingOccurrences(of: there, with: here)
        }
        return text
    }
}
