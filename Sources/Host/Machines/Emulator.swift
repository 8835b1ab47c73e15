import Foundation

/// An emulated machine's hardware, and the program that emulates it.
public struct Emulator: Sendable {
    public let kind: MachineKind
    public var cores = 4
    /// Bytes.
    public var memory: UInt64 = 2 << 30
    /// What the program calls the processor: a QEMU `-cpu` value, a Bochs `cpu: model`.
    public var processor: String
    public var program: String
    public var firmware: URL
    /// Its variables as each machine begins with them; nil: as delivered. QEMU only.
    public var variables: URL?
    /// The control socket of a TPM that the machine has (`SoftwareTPM`); nil: it has none. QEMU only.
    public var tpm: URL?
    /// What remaps the devices' memory accesses and interrupts; nil: nothing. QEMU only.
    public var iommu: EmulatedIOMMU?
    /// Appended to QEMU's command line, or to Bochs's configuration, a line each.
    public var extra: [String] = []
    /// Whether a reset starts the machine again instead of ending it, and what it writes stays on the volume. QEMU only.
    public var isPersistent = false
    /// Bytes that COM1 takes in a second, as a real line does; nil: as many as come. QEMU only.
    public var com1Rate: Int?

    public init(_ kind: MachineKind = .amd) {
        self.kind = kind
        processor = kind.program.processor
        program = kind.program.name
        firmware = kind.program.firmware
    }

    /// A kernel that the emulator loads itself, into a machine without our firmware and disk.
    public struct DirectKernel: Sendable {
        /// An ELF file with a PVH note.
        public var kernel: URL
        /// Nil: none.
        public var initrd: URL?
        public var commandLine: String
        /// The UEFI application that enters the kernel where the emulator loads none (Tests/Guests/firmware/direct.c).
        public var loader: URL?
        public init(kernel: URL, initrd: URL?, commandLine: String, loader: URL? = nil) {
            self.kernel = kernel
            self.loader = loader
            self.initrd = initrd
            self.commandLine = commandLine
        }
    }
}
