/// What somebody says of a partition of a new manifest.
public struct NewPartition: Equatable, Sendable {
    public var name: String
    public var cores: String
    public var memory: String
    public var kernel: String
    /// Empty: none.
    public var initrd: String

    public init(name: String, cores: String, memory: String, kernel: String, initrd: String) {
        (self.name, self.cores, self.memory, self.kernel, self.initrd) = (name, cores, memory, kernel, initrd)
    }
}

/// A manifest to go on from: every key that people change has a line that says what it is for.
public func annotatedManifest(name: String, _ partitions: [NewPartition]) -> String {
    var text = """
        # A manifest says which partitions a machine falls into and what may be asked of them. What it does not grant is refused.
        # Documentation/manifest.md has every key; bulkhead manifest check FILE says what is wrong, show FILE draws it.

        name: \(name)            # a-z, 0-9 and -; starts with a letter
        housekeeping: 0          # the core that answers managers
        link: serial             # how they reach it: the second serial port; none: nobody can ask anything
        partitions:

        """
    for partition in partitions {
        text += """
              - name: \(partition.name)
                cores: [\(partition.cores)]             # they belong to this partition alone; vCPU 0 is the lowest
                memory: \(partition.memory)             # a multiple of 2M, at least 16M
                image:                   # files in the folder of images (--images), or beside this file
                  kernel: \(partition.kernel)
            \(partition.initrd.isEmpty ? "" : "      initrd: \(partition.initrd)\n")\
                # console: messages on the guest's serial port; pci=off: it owns no PCI function
                command-line: console=ttyS0 loglevel=4 reserve=0x2e,2,0x4e,2 8250.nr_uarts=1 pci=off
                on-crash: restart        # when it panics or cannot go on: restart or stop
                permit: all              # what managers may ask: all, none, or a list such as [start, stop]
                # watch: {kernel: report}  # guards its kernel from below; freeze or restart once that stays silent
                # devices: ["01:00.0"]   # PCI functions that it owns; bulkhead inventory lists them

            """
    }
    return text
}
