import Text

/// What the hypervisor does about errata that a guest could use against the machine or its neighbours. Documentation/errata.md has
/// all that were looked at, those that need nothing too. Written from the makers' advisories; no emulator has these faults.
public struct Errata: Sendable {
    /// Bits of a register of each core that keep a fault away.
    public struct Setting: Sendable {
        /// As Linux calls it, in lower case.
        public let name: StaticString
        public let msr: UInt32
        /// The bits that matter, and what they must be.
        public let mask: UInt64
        public let value: UInt64
    }

    /// A fetch can meet translations of two sizes at once, upon which the machine stops (Intel, CVE-2018-12207): guests execute
    /// from pages of 4 KiB alone.
    public private(set) var executesFromSmallPages = false
    public private(set) var settings = BoundedList<4, Setting>(
        unused: Setting(name: "", msr: 0, mask: 0, value: 0))

    /// - Parameters:
    ///   - native: the silicon's answer to a leaf and subleaf of CPUID.
    ///   - capabilities: reads ARCH_CAPABILITIES (Intel SDM volume 4, table 2-2); called only where it exists.
    public init(_ vendor: Vendor, native: (UInt32, UInt32) -> CPUIDRegisters, capabilities: () -> UInt64) {
        switch vendor {
        case .amd:
            // AMD-SB-7008, Zen 2: DE_CFG's bit that backs up the vector registers.
            let signature = native(1, 0).eax
            guard signature & 0x0FF0_0F00 == 0x0080_0F00 else { return }
            switch signature >> 12 & 0xF0 | signature >> 4 & 0xF {
            case 0x30...0x4F, 0x60...0x7F, 0x90...0x91, 0xA0...0xAF:
                add("zenbleed", 0xC001_1029, mask: 1 << 9, value: 1 << 9)
            default: break
            }
        case .intel:
            let features = native(0, 0).eax >= 7 ? native(7, 0).edx : 0
            let known = features & 1 << 29 != 0 ? capabilities() : 0
            executesFromSmallPages = known & 1 << 6 == 0
            // MCU_OPT_CTRL: firmware has not switched off what the microcode does.
            if features & 1 << 9 != 0 { add("srbds", 0x123, mask: 1 << 0, value: 0) }
            if known & 1 << 25 != 0 { add("gds", 0x123, mask: 1 << 4, value: 0) }
            // TSX_CTRL: transactions, of which guests are told nothing, abort at once.
            if known & 1 << 7 != 0 { add("taa", 0x122, mask: 1 << 0, value: 1 << 0) }
        }
    }

    private mutating func add(_ name: StaticString, _ msr: UInt32, mask: UInt64, value: UInt64) {
        guard settings.append(Setting(name: name, msr: msr, mask: mask, value: value)) else { preconditionFailure() }
    }

    /// Sets what is not so yet, on the core that executes this.
    /// - Returns: the name of what the core does not keep.
    public func enforce(read: (UInt32) -> UInt64, write: (UInt32, UInt64) -> Void) -> StaticString? {
        for i in 0..<settings.count {
            let setting = settings[i], now = read(setting.msr)
            if now & setting.mask != setting.value { write(setting.msr, now & ~setting.mask | setting.value) }
        }
        return violated(read: read)
    }

    /// The name of a setting that does not hold on the core that executes this.
    public func violated(read: (UInt32) -> UInt64) -> StaticString? {
        settings.first { read($0.msr) & $0.mask != $0.value }?.name
    }
}
