import Foundation

/// An emulated machine's hardware, and the QEMU command line for it.
public struct Emulator: Sendable {
    public var cores = 4
    /// Bytes.
    public var memory: UInt64 = 2 << 30
    /// A QEMU `-cpu` value.
    public var processor = Emulator.amd
    public var program = "qemu-system-x86_64"
    public var firmware = URL(filePath: "/usr/share/OVMF/OVMF_CODE_4M.fd")
    /// The firmware's variables as delivered; every machine starts with a copy of its own.
    public var variables = URL(filePath: "/usr/share/OVMF/OVMF_VARS_4M.fd")
    /// Appended to the command line.
    public var extra: [String] = []

    public init() {}

    /// An AMD processor with secure virtual machines, less what the emulator would warn of because it has it not.
    public static let amd =
        "EPYC-Milan,+svm,+npt,+x2apic,-pcid,-invpcid,-fxsr-opt,-misalignsse,-osvw,-topoext,-perfctr-core,-clzero,-ibpb,"
        + "-ibrs,-amd-stibp,-amd-ssbd,-nrip-save,-xsavec,-xsaves"

    /// A kernel that the emulator loads itself, into a machine without our firmware and disk.
    public struct DirectKernel: Sendable {
        /// An ELF file with a PVH note.
        public var kernel: URL
        public var initrd: URL
        public var commandLine: String
        public init(kernel: URL, initrd: URL, commandLine: String) {
            self.kernel = kernel
            self.initrd = initrd
            self.commandLine = commandLine
        }
    }

    /// Processor, memory, COM1 on the standard streams, and the machine protocol's socket in `folder`.
    private func board(_ folder: URL) -> [String] {
        [
            "-name", "bulkhead", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", processor,
            "-smp", "\(cores)", "-m", "\(memory >> 20)M",
            "-chardev", "stdio,id=com1,signal=off", "-serial", "chardev:com1",
            "-chardev", "socket,id=qmp,path=\(folder.appending(path: "qmp").path),server=on,wait=off",
            "-mon", "chardev=qmp,mode=control",
        ]
    }

    func arguments(_ direct: DirectKernel, folder: URL) -> [String] {
        board(folder) + [
            "-kernel", direct.kernel.path, "-initrd", direct.initrd.path, "-append", direct.commandLine,
        ] + extra
    }

    /// - Parameters:
    ///   - volume: the disk's raw image; only read.
    ///   - folder: where the sockets are made and the variables' copy lies.
    func arguments(volume: URL, folder: URL) -> [String] {
        let path = { (name: String) in folder.appending(path: name).path }
        return board(folder) + [
            "-drive", "if=pflash,unit=0,format=raw,readonly=on,file=\(firmware.path)",
            "-drive", "if=pflash,unit=1,format=raw,file=\(path("variables.fd"))",
            "-drive", "if=none,id=boot,format=raw,snapshot=on,file=\(volume.path)",
            "-device", "virtio-blk-pci,drive=boot,bootindex=0",
            "-chardev", "socket,id=com2,path=\(path("link")),server=on,wait=off", "-serial", "chardev:com2",
        ] + extra
    }
}
