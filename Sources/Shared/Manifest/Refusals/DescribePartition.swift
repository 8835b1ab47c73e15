import Text

extension ManifestError {
    /// The sentences about one partition, or two that clash.
    func describePartition<S: ByteSink & ~Copyable>(_ manifest: borrowing Manifest, _ sink: inout S) {
        switch reason {
        case .nameEmpty, .nameStart, .nameCharacter, .duplicateName: describeName(manifest, &sink)
        case .noCores, .tooManyCores, .coreOutOfRange, .coreClaimedTwice: describeCores(manifest, &sink)
        case .memoryTooSmall, .memorySizeUnaligned, .memoryBaseUnaligned, .memoryTooLarge, .memoryOverlap:
            describeMemory(manifest, &sink)
        case .commandLineCharacter:
            sink.write("the command line of ")
            who(partition, manifest, &sink)
            sink.write(" has ")
            character(&sink)
            sink.write("; only printable ASCII is possible")
        case .unknownOperation:
            who(partition, manifest, &sink)
            sink.write(" permits unknown operations: bits ")
            sink.write(hexadecimal: value)
        default: describePath(manifest, &sink)
        }
    }

    private func describeName<S: ByteSink & ~Copyable>(_ manifest: borrowing Manifest, _ sink: inout S) {
        switch reason {
        case .nameEmpty:
            // A partition without a name is told by its number.
            who(partition, manifest, &sink)
            sink.write(" has no name")
        case .duplicateName:
            sink.write("partitions number ")
            sink.write(decimal: UInt64(clamping: other ?? 0) &+ 1)
            sink.write(" and ")
            sink.write(decimal: UInt64(clamping: partition ?? 0) &+ 1)
            sink.write(" have the same name \"")
            if let partition, partition >= 0, partition < Manifest.maxPartitions {
                sink.writePrintable(manifest.partitions[partition].name)
            }
            sink.write("\"")
        default:
            sink.write("the name of ")
            who(partition, manifest, &sink)
            sink.write(reason == .nameStart ? " starts with " : " has ")
            character(&sink)
            sink.write("; a name is 1 to 31 of a-z, 0-9 and -, and starts with a letter")
        }
    }

    private func describeCores<S: ByteSink & ~Copyable>(_ manifest: borrowing Manifest, _ sink: inout S) {
        switch reason {
        case .noCores:
            who(partition, manifest, &sink)
            sink.write(" has no cores; at least one is needed")
        case .tooManyCores:
            who(partition, manifest, &sink)
            sink.write(" has ")
            sink.write(decimal: value)
            sink.write(" cores; the most is ")
            sink.write(decimal: bound)
        case .coreOutOfRange:
            who(partition, manifest, &sink)
            sink.write(" claims core ")
            sink.write(decimal: value)
            sink.write(", but the machine's cores are 0 to ")
            sink.write(decimal: bound &- 1)
        default:
            sink.write("core ")
            sink.write(decimal: value)
            sink.write(" is claimed by ")
            who(other, manifest, &sink)
            sink.write(" and by ")
            who(partition, manifest, &sink)
            sink.write("; a core belongs to one partition")
        }
    }

    private func describeMemory<S: ByteSink & ~Copyable>(_ manifest: borrowing Manifest, _ sink: inout S) {
        if reason == .memoryOverlap {
            sink.write("the memory of ")
            who(other, manifest, &sink)
            sink.write(" and of ")
            who(partition, manifest, &sink)
            sink.write(" overlaps at ")
            return sink.write(hexadecimal: value)
        }
        sink.write("the memory of ")
        who(partition, manifest, &sink)
        switch reason {
        case .memoryTooSmall:
            sink.write(" is ")
            sink.write(size: value)
            sink.write("; the least is ")
            sink.write(size: bound)
        case .memorySizeUnaligned:
            sink.write(" is ")
            sink.write(size: value)
            sink.write(", which is not a multiple of 2 MiB")
        case .memoryBaseUnaligned:
            sink.write(" starts at ")
            sink.write(hexadecimal: value)
            sink.write(", which is not a multiple of 2 MiB (0x200000)")
        default:
            sink.write(", ")
            sink.write(size: value)
            sink.write(" from ")
            sink.write(hexadecimal: bound)
            sink.write(", is beyond what a processor can address (52 bits)")
        }
    }

    private func describePath<S: ByteSink & ~Copyable>(_ manifest: borrowing Manifest, _ sink: inout S) {
        if reason == .imageMissing {
            who(partition, manifest, &sink)
            return sink.write(" has no image to start")
        }
        sink.write(field == .initrd ? "the initrd of " : "the image of ")
        who(partition, manifest, &sink)
        switch reason {
        case .pathForm:
            sink.write(" has a path with an empty part, or a part that starts or ends with a dot")
        case .pathCharacter:
            sink.write(" has ")
            character(&sink)
            sink.write(" in its path; a-z, A-Z, 0-9, - _ . and / are possible")
        case .pathReserved:
            sink.write(" has the name of the manifest itself")
        default:
            sink.write(" and one of ")
            who(other, manifest, &sink)
            sink.write(" differ only in letter case, which the boot volume ignores")
        }
    }

    private func character<S: ByteSink & ~Copyable>(_ sink: inout S) {
        guard 0x20...0x7E ~= value else {
            sink.write("the byte ")
            return sink.write(hexadecimal: value)
        }
        sink.write("the character '")
        sink.put(UInt8(truncatingIfNeeded: value))
        sink.write("'")
    }
}
