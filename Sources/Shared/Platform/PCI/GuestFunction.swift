import PCI
import Synchronization

/// One PCI function as its guest sees it: a model of its configuration space in which a byte that nobody names reads as 0
/// and ignores writes (PCI Local Bus 3.0, chapter 6; PCI Express Base 6.0, chapter 7).
///
/// All that ever reaches the device's configuration space: the command register's bus master and parity bits, status bits
/// that are cleared by writing ones, PCI Express' device control within what firmware set, and translated messages. The
/// guest's other bits are its own. Memory decoding stays on, so that no access of the guest's to a BAR goes unanswered,
/// which some machines report to all partitions as a system error.
public struct GuestFunction: ~Copyable, Sendable {
    /// Keeps the value, and what contains it, in memory. Without it the compiler hands them from function to function as
    /// values, 12 KiB at a time, and the hypervisor's cores have not so much stack.
    private let inMemory = Atomic<Bool>(true)
    public private(set) var description = FunctionDescription()
    /// Guest-physical addresses of the BARs; 0 where there is none.
    public private(set) var addresses = InlineArray<6, UInt64>(repeating: 0)
    private(set) var capabilities = GuestCapabilities()
    /// PCI Express' device control register as firmware left it, but that it reports no errors, which are the machine's to
    /// handle: an owner could bring the whole machine down with them.
    private(set) var firmwareControl: UInt16 = 0
    var virtual = GuestVirtualFunctions()
    private(set) var legacy = USBLegacySupport()

    // What the guest has written.
    var command: UInt16 = 0
    /// Bit n: all ones were written to BAR register n, which now reads as its size.
    var sizing: UInt8 = 0
    var powerState: UInt32 = 0
    var msi = GuestMSI()
    var msix = GuestMSIX()

    init() {}

    /// - Parameter virtualFunctions: how many of them the hypervisor has enabled.
    init(
        _ description: FunctionDescription, virtual: GuestVirtualFunctions, addresses allocator: inout GuestAddresses,
        on machine: borrowing some FunctionAccess
    ) throws(GuestBusError) {
        guard !description.isBridge, description.vendor != 0xFFFF, description.vendor != 0 else { throw .notAnEndpoint }
        self.description = description
        self.virtual = virtual
        for i in 0..<6 where isMemory(i) {
            guard description.bars[i].kind == .memory32 || i < 5 else { throw .badBAR }
            addresses[i] = try allocator.place(description.bars[i])
        }
        capabilities = GuestCapabilities(description, on: machine)
        do throws(USBLegacySupport.ListError) {
            if description.isXHCI { legacy = try USBLegacySupport(description.bars[0], on: machine) }
            if description.isEHCI {
                legacy = try USBLegacySupport(ehci: description.requester, description.bars[0], on: machine)
            }
        } catch { throw .badCapabilities }
        let express = capabilities.first(.express)
        if express != 0 {
            let control = machine.read(description.requester, express + 8, size: 2)
            // A guest's WBINVD does nothing, so no request of its may pass caches by.
            let taken = ExpressControl.reset | ExpressControl.reports | ExpressControl.noSnoop
            firmwareControl = UInt16(truncatingIfNeeded: control) & ~taken
        }
        resetModel()
    }

    var requester: UInt16 { description.requester }
    var isVirtual: Bool { description.physicalFunction != nil }

    func isMemory(_ bar: Int) -> Bool { description.bars[bar].isMemory }

    /// The pages to map for BAR `bar`, 0 to 5; nil when it has none. All of them go into the guest's address space but those
    /// in `trapped`.
    public func pages(_ bar: Int) -> (guest: UInt64, machine: UInt64, size: UInt64)? {
        guard addresses[bar] != 0 else { return nil }
        let size = max(description.bars[bar].size, 4096)
        return (addresses[bar] & ~0xFFF, description.bars[bar].address & ~0xFFF, size)
    }

    /// The first guest-physical pages behind `start` in which accesses are the model's: those that the MSI-X table or an xHCI
    /// controller's legacy support touches. Empty when none are left.
    public func trapped(from start: UInt64) -> Range<UInt64> {
        let table = tablePages, legacy = legacyPages
        let isTableFirst = legacy.upperBound <= start || table.lowerBound <= legacy.lowerBound
        let first = table.upperBound > start && isTableFirst ? table : legacy
        return first.upperBound > start ? max(start, first.lowerBound)..<first.upperBound : 0..<0
    }

    func traps(_ address: UInt64) -> Bool { tablePages.contains(address) || legacyPages.contains(address) }

    /// The guest-physical pages that the MSI-X table touches, and those that legacy support does. Empty without it.
    var tablePages: Range<UInt64> {
        let table = description.msix
        guard table.isUsable(description) else { return 0..<0 }
        return pages(table.tableBAR, table.tableOffset, UInt64(table.entries) * 16)
    }
    var legacyPages: Range<UInt64> { !legacy.isMapped ? 0..<0 : pages(0, legacy.offset, USBLegacySupport.length) }

    private func pages(_ bar: Int, _ offset: UInt64, _ size: UInt64) -> Range<UInt64> {
        let start = addresses[bar] + offset
        return start & ~0xFFF..<(start + size + 0xFFF) & ~0xFFF
    }

    /// What a guest finds when it starts: memory decoding on, so that it keeps the BARs where they are; all else off.
    private mutating func resetModel() {
        command = Command.memory
        sizing = 0
        powerState = 0
        msi = GuestMSI()
        msix = GuestMSIX()
        virtual.reset()
    }

    /// Brings the device's configuration and the model into the state in which a guest starts: BARs and device control as
    /// firmware set them (a reset clears them), no bus mastering, messages off, all entries of the MSI-X table masked. The
    /// device must be in power state D0.
    public mutating func reset(on machine: borrowing some FunctionAccess) {
        resetModel()
        machine.write(requester, 0x04, size: 2, 0)
        // Virtual functions have their BARs in the physical one.
        if !isVirtual { machine.write(description.bars, of: requester, at: 0x10) }
        let express = capabilities.first(.express)
        if express != 0 { machine.write(requester, express + 8, size: 2, UInt32(firmwareControl)) }
        resetMSI(on: machine)
        if description.msix.capability != 0 { machine.write(requester, description.msix.capability + 2, size: 2, 0) }
        writeCommand(on: machine)
        resetMSIX(on: machine)
        legacy.silence(on: machine)
    }

    /// Takes a USB controller from firmware, which may answer by an SMI: at boot. Its registers are decoded.
    /// - Parameter wait: for so many microseconds.
    public func takeFromFirmware(on machine: borrowing some FunctionAccess, wait: (UInt32) -> Void) {
        legacy.take(on: machine, wait: wait)
    }

    /// Gives the device the bits of the guest's command register that concern it. INTx stays disabled, I/O decoding too,
    /// and it reports no system errors. Virtual functions have one bit; those of emulators decode memory by another.
    func writeCommand(on machine: borrowing some FunctionAccess) {
        let value =
            isVirtual ? command & Command.busMaster | Command.memory : command & Command.forwarded | Command.fixed
        machine.write(requester, 0x04, size: 2, UInt32(value))
    }
}

/// Bits of the command register.
public enum Command {
    public static let ports: UInt16 = 1 << 0
    static let memory: UInt16 = 1 << 1
    public static let busMaster: UInt16 = 1 << 2
    static let parity: UInt16 = 1 << 6
    static let systemError: UInt16 = 1 << 8
    static let interruptDisable: UInt16 = 1 << 10
    public static let writable = memory | busMaster | parity | systemError | interruptDisable
    static let forwarded = busMaster | parity
    static let fixed = memory | interruptDisable
}

/// Fields of PCI Express' device control register (PCI Express Base 6.0, section 7.5.3.4).
enum ExpressControl {
    static let payload: UInt16 = 7 << 5
    static let readRequest: UInt16 = 7 << 12
    static let relaxedOrdering: UInt16 = 1 << 4
    static let noSnoop: UInt16 = 1 << 11
    static let extendedTag: UInt16 = 1 << 8
    /// Correctable, non-fatal and fatal errors and unsupported requests are told to the root port.
    static let reports: UInt16 = 0xF
    /// Initiates a function level reset.
    static let reset: UInt16 = 1 << 15
}
