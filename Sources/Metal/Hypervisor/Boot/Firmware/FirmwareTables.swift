import Text
import X86

/// What the firmware says of the machine, in its ACPI tables if it has any (ACPI 6.5, sections 5.2.5 to 5.2.12).
struct FirmwareTables {
    static let maxProcessors = 64
    /// Whether there are more than are listed.
    private(set) var isCut = false
    var apicIDs: [64 of UInt32] = .init(repeating: 0)
    var processorCount = 0
    /// What the ids say of packages, cores and threads.
    let topology: Topology
    /// The port of the 3.579545 MHz timer, 0 when there is none.
    var timerPort: UInt16 = 0
    /// The I/O APICs, and what ACPI calls them; the first has the link's interrupt line (ISA 3), at input `linkInput`.
    var ioAPICs = BoundedList<32, (address: UInt64, id: UInt8)>(unused: (0, 0))
    var linkInput: UInt32 = 3
    /// That of the log's (ISA 4).
    var logInput: UInt32 = 4
    /// The machine's configuration space in memory, segment 0; 0 when the firmware tells none (PCI Firmware 3.3, section 4.1.2).
    var ecam: UInt64 = 0
    /// The highest bus that it covers.
    var lastBus: UInt8 = 0
    /// The table that says so, and Intel's and AMD's of remapping units; 0 without.
    var mcfg: UInt64 = 0
    var dmar: UInt64 = 0
    var ivrs: UInt64 = 0
    /// What TPM2 says (`MachineFacts.tpm`).
    private(set) var tpm: (startMethod: UInt32, controlArea: UInt64) = (0, 0)

    /// Asks the firmware's ACPI tables, or where it has none its MP Services.
    init(_ firmware: borrowing Firmware, _ vendor: Vendor) throws(Refusal) {
        topology = Topology(vendor, native: nativeCPUID)
        if let rsdp = firmware.configurationTable(.acpi20) {
            readACPI(rsdp)
        } else {
            askMultiprocessorServices(firmware)
            // Where the MultiProcessor Specification (1.4, section 3.6.5) has the first one.
            _ = ioAPICs.append((0xFEC0_0000, 0))
        }
        guard processorCount > 0 else {
            throw Refusal("neither ACPI tables nor MP Services of the firmware list processors")
        }
    }

    private mutating func readACPI(_ rsdp: UInt64) {
        let xsdt: UInt64 = load(rsdp + 24)
        let length = UInt64(load(xsdt + 4, as: UInt32.self))
        guard length >= 36 && length <= 0x10000 else { return }
        for i in 0..<(length - 36) / 8 {
            let table: UInt64 = load(xsdt + 36 + i * 8)
            // Some firmware has such.
            if table == 0 { continue }
            switch load(table, as: UInt32.self) {
            case 0x4349_5041: readMADT(table)
            case 0x4746_434D: readMCFG(table)
            case 0x5241_4D44: dmar = table
            case 0x5352_5649: ivrs = table
            case 0x324D_5054: tpm = Self.tpm(load(table + 48), load(table + 40))
            case 0x5043_4146: timerPort = UInt16(truncatingIfNeeded: load(table + 76, as: UInt32.self))
            default: break
            }
        }
    }

    /// A CRB whose registers name another place for commands or responses is where that is (TCG PC Client Platform TPM Profile 1.05, section
    /// 6.5.3.10).
    private static func tpm(_ method: UInt32, _ area: UInt64) -> (UInt32, UInt64) {
        guard method == 7, area == 0xFED4_0040 else { return (method, area) }
        for at in stride(from: 0xFED4_005C, through: 0xFED4_0068, by: 12) as StrideThrough<UInt64> {
            let place = UInt64(load(at, as: UInt32.self)) | UInt64(load(at + 4, as: UInt32.self)) << 32
            if place != 0xFED4_0080 { return (method, place) }
        }
        return (method, area)
    }

    private mutating func readMADT(_ table: UInt64) {
        let end = table + UInt64(load(table + 4, as: UInt32.self))
        var at = table + 44
        while at + 8 <= end {
            let length = UInt64(load(at + 1, as: UInt8.self))
            guard length >= 2 else { return }
            switch load(at, as: UInt8.self) {
            case 0 where load(at + 4, as: UInt32.self) & 1 != 0: add(UInt32(load(at + 3, as: UInt8.self)))
            case 9 where load(at + 8, as: UInt32.self) & 1 != 0: add(load(at + 4))
            case 1: _ = ioAPICs.append((UInt64(load(at + 4, as: UInt32.self)), load(at + 2)))
            case 2 where load(at + 3, as: UInt8.self) == 3: linkInput = load(at + 4)
            case 2 where load(at + 3, as: UInt8.self) == 4: logInput = load(at + 4)
            default: break
            }
            at += length
        }
    }

    private mutating func readMCFG(_ table: UInt64) {
        mcfg = table
        let end = table + UInt64(load(table + 4, as: UInt32.self))
        var at = table + 44
        while at + 16 <= end {
            // Segment 0 from its first bus on.
            if load(at + 8, as: UInt16.self) == 0, load(at + 10, as: UInt8.self) == 0 {
                (ecam, lastBus) = (load(at), load(at + 11))
            }
            at += 16
        }
    }

    mutating func add(_ apicID: UInt32) {
        for i in 0..<processorCount where apicIDs[i] == apicID { return }
        isCut = isCut || processorCount == Self.maxProcessors
        // The one that this runs on is never left out: else two would be started on what is one's.
        if isCut, apicID != nativeCPUID(0xB, 0).edx { return }
        processorCount = min(processorCount, Self.maxProcessors - 1)
        apicIDs[processorCount] = apicID
        processorCount += 1
    }
}
