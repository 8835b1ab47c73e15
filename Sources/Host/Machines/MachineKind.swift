/// Whose processors an emulated machine has. The program that emulates it follows from that.
public enum MachineKind: String, CaseIterable, Sendable {
    /// QEMU: SVM with nested paging.
    case amd
    /// Bochs: VMX with EPT.
    case intel

    /// How many times longer than on QEMU anything may take. All time limits are given for QEMU and stretched by this.
    ///
    /// Bochs interprets one instruction at a time, all processors in one thread of the host: a kernel start of 3 s takes
    /// about 90 s there.
    public var slowness: Double {
        switch self {
        case .amd: 1
        case .intel: 30
        }
    }

    /// How many times longer than on QEMU something is watched that does not end by itself.
    package var observation: Double {
        switch self {
        case .amd: 1
        case .intel: 4
        }
    }

    var program: any EmulatorProgram.Type {
        switch self {
        case .amd: QEMU.self
        case .intel: Bochs.self
        }
    }
}
