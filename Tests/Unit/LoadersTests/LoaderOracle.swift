import Loaders
import Platform

/// What must hold for whatever bytes are given as a guest image; the fuzzer and the replay of its corpus ask this.
struct LoaderOracle: ~Copyable {
    static let size: UInt64 = 40 << 20
    private let base = UnsafeMutableRawPointer.allocate(byteCount: Int(size), alignment: 4096)

    init() { base.initializeMemory(as: UInt8.self, repeating: 0, count: Int(Self.size)) }
    deinit { base.deallocate() }

    /// Loads `image`, alone and with an initrd.
    /// - Returns: what is wrong, or nil.
    func complaint(about image: UnsafeRawBufferPointer) -> String? {
        complaint(about: image, initrd: nil) ?? complaint(about: image, initrd: image)
    }

    private func complaint(about image: UnsafeRawBufferPointer, initrd: UnsafeRawBufferPointer?) -> String? {
        let memory = GuestMemory(base: base, size: Self.size)
        var platform = PlatformDescription(memorySize: Self.size, console: true, tscKHz: 1, bootTime: 0)
        platform.append(apicID: 1)
        let line: InlineArray<4, UInt8> = [0x74, 0x65, 0x73, 0x74]
        let entry: GuestEntry
        do throws(LoadError) {
            entry = try loadGuest(
                kernel: image, initrd: initrd, commandLine: line.span, platform: platform, memory: memory)
        } catch {
            return error.reason.utf8CodeUnitCount > 10 ? nil : "a refusal without a reason"
        }
        guard memory.bytes(at: entry.rip, count: 1) != nil else { return "the entry is outside memory" }
        guard entry.rip >= LowMemory.bootDataEnd else { return "the entry is in the boot data" }
        // Nothing that the image brought lies over what the hypervisor wrote.
        guard memory.load(UInt32.self, at: LowMemory.commandLine) == UInt32(0x7473_6574) else {
            return "the command line was overwritten"
        }
        let sum = (LowMemory.acpi..<LowMemory.acpi + 36).reduce(0 as UInt8) {
            $0 &+ (memory.load(UInt8.self, at: $1) ?? 1)
        }
        guard sum == 0, memory.load(UInt64.self, at: LowMemory.acpi) == UInt64(0x2052_5450_2044_5352) else {
            return "the ACPI tables were overwritten"
        }
        guard memory.load(UInt32.self, at: LowMemory.resetStub) == UInt32(0x64E6_FEB0) else {
            return "the reset stub was overwritten"
        }
        guard let initrd else { return nil }
        return initrdComplaint(initrd, entry, memory)
    }

    /// The initrd is where the guest is told, unchanged.
    private func initrdComplaint(
        _ initrd: UnsafeRawBufferPointer, _ entry: GuestEntry, _ memory: borrowing GuestMemory
    ) -> String? {
        let field: UInt64? =
            switch (entry.mode, entry.rax) {
            case (.long64, _): memory.load(UInt32.self, at: entry.rsi + 0x218).map(UInt64.init)
            case (.protected32, 0): memory.load(UInt64.self, at: LowMemory.modules)
            default: memory.load(UInt32.self, at: LowMemory.modules).map(UInt64.init)
            }
        guard let field, field % 4096 == 0, let found = memory.bytes(at: field, count: initrd.count) else {
            return "the initrd is outside memory"
        }
        return found.elementsEqual(initrd) ? nil : "the initrd was overwritten"
    }
}
