import CBOR
import Text

extension ManifestError {
    /// Writes one sentence in plain words, without a line end. `manifest` is the one that was refused: it gives the
    /// partitions' names; it may be invalid, or emptied by the `decode` that refused it.
    public func describe<S: ByteSink & ~Copyable>(_ manifest: borrowing Manifest, to sink: inout S) {
        switch reason.rawValue {
        case ..<20: describeEncoding(manifest, &sink)
        case ..<40: describeWhole(&sink)
        case 60..<80, 100...: describeDevices(manifest, &sink)
        case ..<80: describePartition(manifest, &sink)
        default: describeMachine(manifest, &sink)
        }
    }

    /// `partition "name"`, or its number where it has no name that can be shown.
    func who<S: ByteSink & ~Copyable>(_ index: Int?, _ manifest: borrowing Manifest, _ sink: inout S) {
        guard let index else { return sink.write("the machine") }
        sink.write("partition ")
        // Not bounded by partitionCount: a refused manifest has none, but its names are still there.
        guard index >= 0, index < Manifest.maxPartitions, !manifest.partitions[index].name.isEmpty else {
            sink.write("number ")
            return sink.write(decimal: UInt64(clamping: index) &+ 1)
        }
        sink.write("\"")
        sink.writePrintable(manifest.partitions[index].name)
        sink.write("\"")
    }

    private func describeEncoding<S: ByteSink & ~Copyable>(_ manifest: borrowing Manifest, _ sink: inout S) {
        switch reason {
        case .encoding:
            sink.write("the manifest is damaged at byte ")
            sink.write(decimal: value)
            sink.write(": ")
            sink.write(Self.words(UInt8(exactly: bound).flatMap(CBORError.init)))
        case .tooLarge:
            sink.write("the manifest has ")
            sink.write(decimal: value)
            sink.write(" bytes; the most that is read is ")
            sink.write(decimal: bound)
        case .unsupportedVersion:
            sink.write("the manifest's format version is ")
            sink.write(decimal: value)
            sink.write("; this program reads version ")
            sink.write(decimal: bound)
        case .tooManyPartitions:
            sink.write("there are ")
            sink.write(decimal: value)
            sink.write(" partitions; the most is ")
            sink.write(decimal: bound)
        case .unknownValue:
            if partition == nil { sink.write("the management link") } else { who(partition, manifest, &sink) }
            sink.write(" has the unknown value ")
            sink.write(decimal: value)
            sink.write(" in key ")
            sink.write(decimal: bound)
        default:
            sink.write("the description of ")
            who(partition, manifest, &sink)
            sink.write(reason == .missingKey ? " lacks key " : " has the unknown key ")
            sink.write(decimal: value)
        }
    }

    private func describeWhole<S: ByteSink & ~Copyable>(_ sink: inout S) {
        switch reason {
        case .noPartitions:
            sink.write("there is no partition; at least one is needed")
        case .machineCoresOutOfRange:
            sink.write("the machine is to have ")
            sink.write(decimal: value)
            sink.write(" cores; 1 to ")
            sink.write(decimal: bound)
            sink.write(" are possible")
        case .machineMemoryTooLarge:
            sink.write("the machine is to have ")
            sink.write(size: value)
            sink.write(" of memory; no processor can address that much")
        case .memoryBeyondMachine:
            sink.write("the partitions take ")
            sink.write(size: value)
            sink.write(" of memory together, but the machine is only required to have ")
            sink.write(size: bound)
        default:
            sink.write("the housekeeping core is ")
            sink.write(decimal: value)
            sink.write(", but the machine's cores are 0 to ")
            sink.write(decimal: bound &- 1)
        }
    }

    private func describeMachine<S: ByteSink & ~Copyable>(_ manifest: borrowing Manifest, _ sink: inout S) {
        switch reason {
        case .tooFewCores:
            sink.write("this machine has ")
            sink.write(decimal: value)
            sink.write(value == 1 ? " core; the manifest requires " : " cores; the manifest requires ")
            sink.write(decimal: bound)
        case .tooLittleMemory:
            sink.write("this machine has ")
            sink.write(size: value)
            sink.write(" of memory; the manifest requires ")
            sink.write(size: bound)
        case .housekeepingAbsent:
            sink.write("this machine has no core ")
            sink.write(decimal: value)
            sink.write(", which the manifest names for housekeeping")
        case .coreAbsent:
            sink.write("this machine has no core ")
            sink.write(decimal: value)
            sink.write(", which belongs to ")
            who(partition, manifest, &sink)
        case .memoryNotFree:
            who(partition, manifest, &sink)
            sink.write(" claims ")
            sink.write(size: bound)
            sink.write(" of memory at ")
            sink.write(hexadecimal: value)
            sink.write(", where this machine has no such free memory")
        default:
            sink.write("this machine has no free piece of memory for the ")
            sink.write(size: value)
            sink.write(" of ")
            who(partition, manifest, &sink)
        }
    }

    private static func words(_ error: CBORError?) -> StaticString {
        switch error {
        case .truncated: "it ends before it is complete"
        case .indefiniteLength: "a length is left open"
        case .notShortest: "a number is longer than it needs to be"
        case .malformedHead: "no such item exists"
        case .float: "a floating-point number is not allowed"
        case .tag: "a tag is not allowed"
        case .simpleValue: "an unknown simple value"
        case .wrongType: "an item of another kind is expected"
        case .outOfRange: "a number is too large"
        case .tooLong: "a text or list is too long"
        case .invalidUTF8: "a text is not valid UTF-8"
        case .unsortedKeys: "keys are out of order"
        case .duplicateKey: "a key occurs twice"
        case .tooDeep: "items are nested too deeply"
        case .trailingBytes: "bytes follow its end"
        default: "it cannot be read"
        }
    }
}
