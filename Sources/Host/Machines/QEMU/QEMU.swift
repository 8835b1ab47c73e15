import Foundation

/// QEMU 9 or later: the AMD machine. COM1 is its standard output, COM2 a socket of its own.
enum QEMU: EmulatorProgram {
    static let name = "qemu-system-x86_64"
    static let firmware = URL(filePath: "/usr/share/OVMF/OVMF_CODE_4M.fd")
    /// The firmware's variables as delivered; every machine starts with a copy of its own.
    static let variables = URL(filePath: "/usr/share/OVMF/OVMF_VARS_4M.fd")

    /// An AMD processor with secure virtual machines, less what the emulator would warn of because it has it not.
    static let processor =
        "EPYC-Milan,+svm,+npt,+x2apic,-pcid,-invpcid,-fxsr-opt,-misalignsse,-osvw,-topoext,-perfctr-core,-clzero,-ibpb,"
        + "-ibrs,-amd-stibp,-amd-ssbd,-nrip-save,-xsavec,-xsaves"

    static func prepare(_ emulator: Emulator, volume: URL, folder: URL) throws -> EmulatorLaunch {
        let variables = emulator.variables ?? variables
        try MachineError.require(
            [emulator.firmware, variables], hint: "install Debian's package ovmf (./bulkhead setup)")
        try FileManager.default.copyItem(at: variables, to: folder.appending(path: "variables.fd"))
        return EmulatorLaunch(arguments: arguments(emulator, volume: volume, folder: folder))
    }

    static func prepare(_ emulator: Emulator, _ direct: Emulator.DirectKernel, folder: URL) throws -> EmulatorLaunch {
        EmulatorLaunch(
            arguments: machineArguments(emulator, folder) + [
                "-kernel", direct.kernel.path, "-append", direct.commandLine,
            ] + (direct.initrd.map { ["-initrd", $0.path] } ?? []) + emulator.extra)
    }

    static func lastWords(errors: String, folder: URL) -> String { errors }

    /// Processor, memory, COM1 on the standard streams, and the machine protocol's socket in `folder`.
    private static func machineArguments(_ emulator: Emulator, _ folder: URL) -> [String] {
        [
            "-name", "bulkhead", "-nodefaults", "-no-user-config", "-display", "none",
            "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", emulator.processor,
            "-smp", "\(emulator.cores)", "-m", "\(emulator.memory >> 20)M",
            "-chardev", "stdio,id=com1,signal=off", "-serial", "chardev:com1",
            "-chardev", "socket,id=qmp,path=\(folder.appending(path: "qmp").path),server=on,wait=off",
            "-mon", "chardev=qmp,mode=control",
        ] + (emulator.isPersistent ? [] : ["-no-reboot"])
    }

    /// Stands before the devices: those that ask for it learn of it when they are made.
    private static func remapping(_ kind: EmulatedIOMMU?) -> [String] {
        switch kind {
        case nil: []
        case .vtd: ["-device", "intel-iommu,intremap=on,eim=on"]
        case .amdVi: ["-device", "amd-iommu,intremap=on,xtsup=on,pt=off"]
        }
    }

    private static func arguments(_ emulator: Emulator, volume: URL, folder: URL) -> [String] {
        let path = { (name: String) in folder.appending(path: name).path }
        return machineArguments(emulator, folder) + [
            "-drive", "if=pflash,unit=0,format=raw,readonly=on,file=\(emulator.firmware.path)",
            "-drive", "if=pflash,unit=1,format=raw,file=\(path("variables.fd"))",
        ] + remapping(emulator.iommu) + [
            "-drive", "if=none,id=boot,format=raw,snapshot=\(emulator.isPersistent ? "off" : "on"),file=\(volume.path)",
            "-device", "virtio-blk-pci,drive=boot,bootindex=0",
            "-chardev", "socket,id=com2,path=\(path("link")),server=on,wait=off", "-serial", "chardev:com2",
        ]
            + (emulator.tpm.map {
                [
                    "-chardev", "socket,id=tpm,path=\($0.path)", "-tpmdev", "emulator,id=tpm,chardev=tpm",
                    "-device", "tpm-crb,tpmdev=tpm",
                ]
            } ?? []) + emulator.extra
    }
}
