import PCI
import Resources
import Text

extension ManifestError {
    /// Writes the number and one sentence in plain words, without a line end. `manifest` is the one that was refused: it gives the
    /// partitions' names; it may be invalid, or emptied by the `decode` that refused it.
    public func describe<S: ByteSink & ~Copyable>(_ manifest: borrowing Manifest, to sink: inout S) {
        var at = 0
        while let fact = sink.write(reason.rawValue.text, from: &at) { write(fact: fact, manifest, to: &sink) }
    }

    private func write<S: ByteSink & ~Copyable>(fact: UInt8, _ manifest: borrowing Manifest, to sink: inout S) {
        switch fact {
        case UInt8(ascii: "p"): Self.who(partition, manifest, &sink)
        case UInt8(ascii: "o"): Self.who(other, manifest, &sink)
        case UInt8(ascii: "v"): sink.write(decimal: value)
        case UInt8(ascii: "b"): sink.write(decimal: bound)
        case UInt8(ascii: "s"): sink.write(size: value)
        case UInt8(ascii: "t"): sink.write(size: bound)
        case UInt8(ascii: "a"): sink.write(hexadecimal: value)
        case UInt8(ascii: "c"): sink.write(hexadecimal: bound)
        case UInt8(ascii: "f"): sink.write(function: value)
        case UInt8(ascii: "g"): sink.write(function: bound)
        case UInt8(ascii: "h"): sink.write(function: bound >> 32)
        case UInt8(ascii: "l"): sink.write(decimal: bound & 0xFFFF_FFFF)
        case UInt8(ascii: "u"): sink.write(decimal: bound >> 32)
        case UInt8(ascii: "z"):
            sink.write((MemoryKeyObstacle(rawValue: UInt8(truncatingIfNeeded: value)) ?? .absent).words)
        case UInt8(ascii: "i"): sink.write(identifier: bound >> 32)
        case UInt8(ascii: "j"): sink.write(identifier: bound)
        default: if value != 1 { sink.write("s") }
        }
    }

    /// `partition "name"`, or its number where it has no name that can be shown.
    private static func who<S: ByteSink & ~Copyable>(
        _ index: Int?, _ manifest: borrowing Manifest, _ sink: inout S
    ) {
        guard let index else { return sink.write("the machine") }
        sink.write("partition ")
        // Not bounded by partitionCount: a refused manifest has none, but its names are still there.
        guard index >= 0, index < Manifest.maxPartitions, !manifest.partitions[index].name.isEmpty else {
            return sink.write("number %d", UInt64(clamping: index) &+ 1)
        }
        sink.write("\"")
        sink.writePrintable(manifest.partitions[index].name)
        sink.write("\"")
    }
}

extension ByteSink where Self: ~Copyable {
    /// As `lspci` and manifests write it: `01:10.2`.
    public mutating func write(_ address: FunctionAddress) {
        write(hexadecimal: UInt64(address.bus), digits: 2)
        write(":")
        write(hexadecimal: UInt64(address.device), digits: 2)
        write(".")
        write(hexadecimal: UInt64(address.function), digits: 1)
    }

    fileprivate mutating func write(function requester: UInt64) {
        write(FunctionAddress(requester: UInt16(truncatingIfNeeded: requester)))
    }

    /// Vendor in bits 31:16 and device below: `8086:10d3`.
    fileprivate mutating func write(identifier: UInt64) {
        write(hexadecimal: identifier >> 16, digits: 4)
        write(":")
        write(hexadecimal: identifier, digits: 4)
    }
}
