import Text
import PCI

extension ManifestError {
    /// The sentences about functions and threads.
    func describeDevices<S: ByteSink & ~Copyable>(_ manifest: borrowing Manifest, _ sink: inout S) {
        switch reason {
        case .tooManyDevices:
            who(partition, manifest, &sink)
            sink.write(" has ")
            sink.write(decimal: value)
            sink.write(" devices; the most is ")
            sink.write(decimal: bound)
        case .deviceNamedTwice:
            function(&sink)
            sink.write(" is named twice in ")
            who(partition, manifest, &sink)
        case .deviceClaimedTwice:
            function(&sink)
            sink.write(" is claimed by ")
            who(other, manifest, &sink)
            sink.write(" and by ")
            who(partition, manifest, &sink)
            sink.write("; a function belongs to one partition")
        case .virtualFunctionsOutOfRange:
            sink.write("function ")
            sink.write(Self.address(bound >> 32))
            sink.write(" of ")
            who(partition, manifest, &sink)
            sink.write(" is to enable ")
            sink.write(decimal: value)
            sink.write(" virtual functions; 1 to ")
            sink.write(decimal: bound & 0xFFFF)
            sink.write(" are possible")
        case .unknownAcceptance:
            who(partition, manifest, &sink)
            sink.write(" accepts unknown weaknesses: bits ")
            sink.write(hexadecimal: value)
        case .siblingsSplit: describeSiblings(manifest, &sink)
        case .noIOMMU:
            who(partition, manifest, &sink)
            sink.write(" has devices, but this machine has no usable IOMMU: none, or switched off in its firmware")
        default: describeOnMachine(manifest, &sink)
        }
    }

    /// Sentences that begin with the function and its owner.
    private func describeOnMachine<S: ByteSink & ~Copyable>(_ manifest: borrowing Manifest, _ sink: inout S) {
        function(&sink)
        sink.write(" of ")
        who(partition, manifest, &sink)
        switch reason {
        case .deviceAbsent: sink.write(" is not in this machine")
        case .deviceOther:
            sink.write(" is ")
            sink.write(identifier: bound >> 32)
            sink.write(" in this machine; the manifest says ")
            sink.write(identifier: bound & 0xFFFF_FFFF)
        case .deviceIsBridge: sink.write(" is part of the machine itself (a bridge or an IOMMU): nobody can own it")
        case .deviceReserved: sink.write(" cannot be owned: the firmware goes on using it for its own purposes")
        case .tooManyVirtualFunctions:
            sink.write(" has ")
            sink.write(decimal: bound)
            sink.write(" virtual functions in this machine; the manifest wants more")
        case .virtualFunctionDisabled:
            sink.write(" exists only if function ")
            sink.write(Self.address(bound >> 32))
            sink.write(" belongs to a partition, with virtual-functions: ")
            sink.write(decimal: bound & 0xFFFF_FFFF)
            sink.write(" or more")
        case .noReset: sink.write(" cannot be reset between two guests; \"reset: none\" would accept that")
        case .resetShared:
            sink.write(" can only be reset together with its bus, and with it ")
            sink.write(Self.address(bound))
            sink.write(" of ")
            who(other, manifest, &sink)
        default:
            sink.write(" is in one isolation group with ")
            sink.write(Self.address(bound))
            sink.write(" of ")
            who(other, manifest, &sink)
        }
    }

    private func describeSiblings<S: ByteSink & ~Copyable>(_ manifest: borrowing Manifest, _ sink: inout S) {
        sink.write("core ")
        sink.write(decimal: value)
        sink.write(" of ")
        who(partition, manifest, &sink)
        sink.write(" and core ")
        sink.write(decimal: bound)
        if other == nil {
            sink.write(", for housekeeping,")
        } else {
            sink.write(" of ")
            who(other, manifest, &sink)
        }
        sink.write(" are threads of one core; \"accept: [split-smt]\" would allow it")
    }

    private func function<S: ByteSink & ~Copyable>(_ sink: inout S) {
        sink.write("function ")
        sink.write(Self.address(value))
    }

    private static func address(_ bits: UInt64) -> FunctionAddress {
        FunctionAddress(requester: UInt16(truncatingIfNeeded: bits))
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

    /// Vendor in bits 31:16 and device below: `8086:10d3`.
    mutating func write(identifier: UInt64) {
        write(hexadecimal: identifier >> 16, digits: 4)
        write(":")
        write(hexadecimal: identifier, digits: 4)
    }

    private mutating func write(hexadecimal value: UInt64, digits: UInt64) {
        var left = digits
        while left > 0 {
            left -= 1
            let digit = UInt8(truncatingIfNeeded: value >> (left * 4) & 0xF)
            put(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }
}
